import { type ReactNode, useEffect, useRef, useState } from "react";
import { FAR_PX, watchVisible } from "../markdown/visible";
import css from "./panel.module.css";

/**
 * Some blocks of a long list, which leave the page while they are far from the screen and keep their place. `last` ones
 * stay, as they grow. `keys` are the keys of the blocks, by which they can be found while they are away.
 */
export function Parked(props: { last: boolean; height: () => number; keys: () => string; children: () => ReactNode }) {
  const { last, height, keys, children } = props;
  const element = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState(() => (last ? null : height())); // the height of the place that is kept, in px
  useEffect(
    () =>
      watchVisible(element.current, FAR_PX, (within, drawn) => {
        setAway((known) => (within ? null : (known ?? drawn)));
      }),
    [],
  );
  const parked = away !== null && !last;
  return (
    <div
      ref={element}
      className={css.blocks}
      style={parked ? { blockSize: away } : undefined}
      data-holds={parked ? keys() : undefined}
    >
      {!parked && children()}
    </div>
  );
}
