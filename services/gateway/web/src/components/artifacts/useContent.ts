import { useEffect, useState } from "react";
import { api } from "../../client/api";
import { ApiError } from "../../client/errors";
import { type Content, inlineContent, readText } from "./content";
import type { Version } from "./state";

const CUT = "The connection ended in the middle of it.";

/**
 * The text of a version: from the log, or from `path` at the gateway. Nothing is fetched unless `wanted`; what is fetched is a
 * final version, which the browser keeps.
 */
export function useContent(path: string, version: Version, wanted: boolean): Content {
  const inline = inlineContent(version);
  const fetched = useFetched(inline || !wanted ? "" : path, version.size);
  return inline ?? fetched;
}

function useFetched(path: string, total: number): Content {
  const [state, setState] = useState<{ path: string; content: Content } | null>(null);
  useEffect(() => {
    if (!path) return;
    const stop = new AbortController();
    const say = (content: Content) => !stop.signal.aborted && setState({ path, content });
    api
      .open(path, stop.signal)
      .then((response) => readText(response, (received) => say({ kind: "loading", received, total })))
      .then(say, (error) => say({ kind: "failed", message: error instanceof ApiError ? error.message : CUT }));
    return () => stop.abort();
  }, [path, total]);
  return state?.path === path ? state.content : { kind: "loading", received: 0, total };
}
