/** What happens when a part of the page is not there any more, because the gateways serve a newer build by now. */

const KEY = "anabranch.reloaded";
/** Between two reloads, in ms: a part that is missing even so is an error like any other. */
const AGAIN_MS = 30_000;

/**
 * Load the whole page anew when a part that is loaded on demand cannot be had, as after an update. Nothing is lost by it: the
 * address names the conversation, and what was written is kept for the tab.
 */
export function reloadForNewBuild(): void {
  addEventListener("vite:preloadError", (event) => {
    const now = Date.now();
    if (now - Number(sessionStorage.getItem(KEY) ?? 0) < AGAIN_MS) return;
    sessionStorage.setItem(KEY, String(now));
    event.preventDefault(); // the error is not thrown: what waits for the part stays as it is until the page has gone
    location.reload();
  });
}
