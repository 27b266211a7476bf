import { useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { Allowance } from "./allowance";
import { Markdown } from "./Markdown";
import css from "./markdown.module.css";
import { type Growing, Pacer } from "./pace";
import { NEAR_PX, watchVisible } from "./visible";

/** A text that grows somewhere: what it is now, and whether more may come. */
export interface TextSource {
  read(): { text: string; open: boolean };
  subscribe(listener: () => void): () => void;
}

const pacer = new Pacer(
  () => performance.now(),
  (frame) => requestAnimationFrame(frame),
);
const allowance = new Allowance(() => performance.now());

/**
 * Draws a text as Markdown at the pace that the page can bear; React hears of it only when it is this text's turn. Where
 * many texts come onto the page at once, those beyond what one frame can parse stand as plain text until their turn.
 * `source` must stay the same object for the same text.
 */
export function GrowingMarkdown({ source }: { source: TextSource }) {
  const [shown, setShown] = useState(() => {
    const now = source.read();
    return { ...now, plain: !allowance.takes(now.text.length) };
  });
  const element = useRef<HTMLDivElement>(null);
  const drawn = useRef(shown);
  useEffect(() => {
    const growing: Growing = {
      visible: true,
      draw: () => {
        drawn.current = { ...source.read(), plain: false };
        flushSync(() => setShown(drawn.current));
      },
    };
    const check = () => {
      const { text, open } = source.read();
      const { current } = drawn;
      if (current.plain || text !== current.text || open !== current.open) pacer.touch(growing);
    };
    const stopWatching = watchVisible(element.current, NEAR_PX, (visible) => {
      growing.visible = visible;
    });
    const unsubscribe = source.subscribe(check);
    check();
    return () => {
      unsubscribe();
      stopWatching();
      pacer.forget(growing);
    };
  }, [source]);
  return (
    <div ref={element}>
      {shown.plain ? (
        <div className={css.plain} dir="auto">
          {shown.text}
        </div>
      ) : (
        <Markdown text={shown.text} growing={shown.open} />
      )}
    </div>
  );
}
