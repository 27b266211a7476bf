/** Where the page is: `#c=<conversation>&at=<moment>`. The page is one static file, so that everything stands after the `#`. */
import { useMemo, useSyncExternalStore } from "react";

/** `conversation` is empty where none is open yet, `at` is empty for the present. */
export interface Route {
  readonly conversation: string;
  readonly at: string;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const MOMENT = /^[0-9a-z.-]{1,64}$/;

/** What cannot be an id or a moment counts as left out. */
export function parseRoute(hash: string): Route {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const conversation = valid(fields.get("c"), ID);
  return { conversation, at: conversation && valid(fields.get("at"), MOMENT) };
}

/** The link of a route, to be used as `href`. */
export function hrefOf({ conversation, at }: Route): string {
  if (!conversation) return "#";
  return at ? `#c=${conversation}&at=${at}` : `#c=${conversation}`;
}

/** Go there. `replace` leaves no step in the browser's history, for what changes while a person only looks. */
export function go(route: Route, how: "push" | "replace" = "push"): void {
  const url = route.conversation ? hrefOf(route) : location.pathname + location.search;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  dispatchEvent(new HashChangeEvent("hashchange")); // neither of the two says so itself
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  addEventListener("popstate", listener);
  return () => {
    removeEventListener("hashchange", listener);
    removeEventListener("popstate", listener);
  };
}

function valid(text: string | null, form: RegExp): string {
  return text !== null && form.test(text) ? text : "";
}
