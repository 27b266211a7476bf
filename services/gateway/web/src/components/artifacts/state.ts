/** What a version of an artifact is at this moment, and what a person is told about it. Pure. */
import type { ItemOf } from "../../fold/fold";

export type Artifact = ItemOf<"artifact">;
export type Version = Artifact["versions"][number];
export type VersionState = "creating" | "final" | "interrupted" | "failed";

export const STATE_NAMES: Record<VersionState, string> = {
  creating: "creating…",
  final: "final",
  interrupted: "interrupted",
  failed: "failed",
};

/** A version that is not final and that nobody writes any more stays as it was left. */
export function stateOf(artifact: Artifact, version: Version): VersionState {
  if (version.status === "final") return "final";
  if (artifact.status === "failed") return "failed";
  return artifact.status === "open" && version === artifact.versions.at(-1) ? "creating" : "interrupted";
}
