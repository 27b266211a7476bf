import { useFolding } from "./folding";
import css from "./parts.module.css";

/** Characters in one line of the narrowest card: more stand on a further line, which also counts. */
const LINE_CHARS = 90;
/** Characters drawn of a clipped text: what is cut off is not laid out either. */
const CLIPPED_CHARS = 2_000;

/** A long technical text: its first lines, and all of it for who asks. `of` is the key under which that is remembered. */
export function Clipped({ of, text, what, lines }: { of: string; text: string; what: string; lines: number }) {
  const [all, showAll] = useFolding(of, false);
  const long = tall(text, lines);
  return (
    <div className={css.clipped}>
      {long && !all ? (
        <pre className={css.cut} style={{ maxBlockSize: `${lines * 1.45 + 0.8}em` }}>
          {text.slice(0, CLIPPED_CHARS)}
        </pre>
      ) : (
        <pre>{text}</pre>
      )}
      {long && (
        <button type="button" className={css.more} aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? `Show less of the ${what}` : `Show all of the ${what}`}
        </button>
      )}
    </div>
  );
}

function tall(text: string, lines: number): boolean {
  if (text.length > lines * LINE_CHARS) return true;
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0 && count <= lines; at = text.indexOf("\n", at + 1)) count += 1;
  return count > lines;
}
