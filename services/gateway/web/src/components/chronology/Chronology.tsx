import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useLayoutEffect, useRef, useState } from "react";
import { useRows, useView } from "../../store/hooks";
import type { View } from "../../store/view";
import { SCROLLS } from "../markdown/visible";
import { Announcer } from "./Announcer";
import css from "./chronology.module.css";
import { useUnfold } from "./folding";
import { Follow } from "./follow";
import { JumpToLive } from "./JumpToLive";
import { RowView } from "./RowView";
import { type Reveal, RevealContext } from "./reveal";
import { estimate, find } from "./rows";
import { watchReader } from "./watchReader";

/** Rows drawn beyond each edge of the screen, so that scrolling finds them drawn. */
const OVERSCAN = 4;
/** Frames within which a row that is scrolled to is drawn and at rest, or the search for it is given up. */
const REVEAL_FRAMES = 30;
/** Frames in which it stays where it is: what stands before it may get its true height only when it is near. */
const REST_FRAMES = 5;

/** The conversation of the view around it, live or past. `children` stand after its last row. */
export function Chronology({ children }: { children?: ReactNode }) {
  const view = useView();
  return (
    <List key={view.head().conversation} view={view}>
      {children}
    </List>
  );
}

function List({ view, children }: { view: View; children?: ReactNode }) {
  const rows = useRows();
  const list = useRef<HTMLDivElement>(null);
  const { follow, content, following } = useFollow(list);
  const sizeOf = (index: number) => {
    const row = rows[index];
    return row ? estimate(row, (id) => view.fold.items.get(id)) : 0;
  };
  const [start] = useState(() => rows.reduce((sum, _, index) => sum + sizeOf(index), 0));
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => list.current,
    getItemKey: (index) => rows[index]?.key ?? index,
    estimateSize: sizeOf,
    overscan: OVERSCAN,
    initialOffset: start, // the end: the browser takes no more than there is
  });
  virtual.shouldAdjustScrollPositionOnItemSizeChange = () => false; // `follow` does
  const unfold = useUnfold();
  const reveal = useCallback<Reveal>(
    (key) => {
      const place = find(view.rows(), key);
      if (!place) return;
      follow()?.letGo();
      for (const outer of place.around) unfold(outer);
      virtual.scrollToIndex(place.index, { align: "start" });
      show(list, [key, ...place.around.toReversed()], REVEAL_FRAMES);
    },
    [view, virtual, follow, unfold],
  );
  const shown = virtual.getVirtualItems();
  return (
    <RevealContext value={reveal}>
      <div className={css.frame}>
        <div
          ref={list}
          className={css.list}
          data-testid="conversation"
          {...{ [SCROLLS]: "" }}
          role="log"
          aria-live="off"
          aria-label="Conversation"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls it with the keys
          tabIndex={0}
        >
          <div ref={content} className={css.content}>
            <div className={css.sizer} style={{ blockSize: virtual.getTotalSize() }}>
              <div className={css.window} style={{ insetBlockStart: shown[0]?.start ?? 0 }}>
                {shown.map(({ index, key }) => {
                  const row = rows[index];
                  return (
                    row && (
                      <div
                        key={key}
                        ref={virtual.measureElement}
                        className={css.row}
                        data-index={index}
                        data-row={row.kind}
                      >
                        <RowView row={row} />
                      </div>
                    )
                  );
                })}
              </div>
            </div>
            {children}
          </div>
        </div>
        <JumpToLive following={following} onJump={() => follow()?.toEnd()} />
        <Announcer />
      </div>
    </RevealContext>
  );
}

/** Keeps the reader's place in the list; `content` is the ref of all that stands in it. */
function useFollow(list: React.RefObject<HTMLDivElement | null>) {
  const [following, setFollowing] = useState(true);
  const held = useRef<Follow | null>(null);
  const content = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || !content.current) return;
    const follow = new Follow(element, setFollowing);
    held.current = follow;
    const scrolled = () => follow.scrolled();
    const resized = new ResizeObserver(() => follow.resized());
    element.addEventListener("scroll", scrolled, { passive: true });
    const leave = watchReader(element, (held) => follow.touched(held));
    resized.observe(element);
    for (const part of [content.current, ...content.current.querySelectorAll(`.${css.window}`)]) resized.observe(part);
    return () => {
      resized.disconnect();
      leave();
      element.removeEventListener("scroll", scrolled);
      held.current = null;
    };
  }, [list]);
  const follow = useCallback(() => held.current, []);
  return { follow, content, following };
}

/**
 * Once the first of `keys` is drawn, bring it to the upper edge, put the focus on it, and see that it stays there for
 * `REST_FRAMES`. Until then go where it will be: to the innermost of the blocks around it, the other `keys`, that has a
 * place on the page.
 */
function show(list: React.RefObject<HTMLDivElement | null>, keys: readonly string[], frames: number, rested = 0): void {
  requestAnimationFrame(() => {
    const places = keys.map((key) => {
      const quoted = CSS.escape(key);
      return (
        list.current?.querySelector(`[data-key="${quoted}"]`) ??
        list.current?.querySelector(`[data-holds~="${quoted}"]`)
      );
    });
    const place = places.find(Boolean);
    const before = list.current?.scrollTop;
    place?.scrollIntoView({ block: "start" });
    const found = place && place === places[0] && place.hasAttribute("data-key");
    if (found && !place.contains(document.activeElement)) place.querySelector("button")?.focus({ preventScroll: true });
    const now = found && list.current?.scrollTop === before ? rested + 1 : 0;
    if (frames > 0 && now < REST_FRAMES) show(list, keys, frames - 1, now);
  });
}
