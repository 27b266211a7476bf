import { useEffect, useState } from "react";
import { useConversation, useView } from "../../store/hooks";
import css from "./run.module.css";

/** Before it is said that nothing comes, in s: longer than a model rests between two words, and well within what a worker
 * may be silent before it counts as lost. */
const SAID_S = 5;

const WHY =
  "A model or a tool may be slow: here that looks the same as a worker that has died. If it has, another one takes over.";

/** For how long nothing has come of a run that goes on; gone as soon as something does. The past has no clock. */
export function Silence() {
  const seconds = useSilence();
  if (seconds < SAID_S) return null;
  return (
    <span className={css.elapsed} data-testid="silence" title={WHY}>
      · nothing new for {seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`}
    </span>
  );
}

/** In whole seconds; 0 while it is too short to be said, or not known: what is not heard may be on its way to here. */
function useSilence(): number {
  const conversation = useConversation();
  const view = useView();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (view !== conversation.live) return setSeconds(0);
    const look = () => {
      const since = conversation.silentSince();
      const silent = since === null ? 0 : Math.floor((Date.now() - since) / 1000);
      setSeconds(silent < SAID_S ? 0 : silent);
    };
    const timer = setInterval(look, 1000);
    const leave = [view.subscribe("any", look), conversation.subscribeStatus(look)];
    return () => {
      clearInterval(timer);
      for (const one of leave) one();
    };
  }, [conversation, view]);
  return seconds;
}
