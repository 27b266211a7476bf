import { useEffect, useMemo, useRef, useState } from "react";
import styles from "./ChartViewer.module.css";
import { type Chart, ChartError, parseChart } from "./chart";
import { type Drawn, draw } from "./drawing";
import { safeName } from "./name";
import { Notes, Problem } from "./Problem";
import { usePalette } from "./palette";
import type { ViewerProps } from "./viewer";

/** A Vega-Lite chart. While its specification is being written, and where it is wrong, the source stands in its place. */
export default function ChartViewer({ text, growing, name, source }: ViewerProps) {
  const read = useMemo(() => readChart(text), [text]);
  if (typeof read !== "string") return <ChartBox chart={read} name={name} source={source} />;
  return <Problem message={growing ? "" : read}>{source}</Problem>;
}

function readChart(text: string): Chart | string {
  try {
    return parseChart(text);
  } catch (error) {
    if (error instanceof ChartError) return error.message;
    throw error;
  }
}

function ChartBox({ chart, name, source }: { chart: Chart; name: string; source: React.ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const palette = usePalette();
  const [drawn, setDrawn] = useState<Drawn | null>(null);
  const [problem, setProblem] = useState<{ chart: Chart; message: string } | null>(null);
  useEffect(() => {
    if (!box.current) return;
    let [stale, current]: [boolean, Drawn | null] = [false, null];
    draw(box.current, chart, palette).then(
      (now) => {
        if (stale) return now.remove();
        current = now;
        setDrawn(now);
      },
      (error: unknown) =>
        stale || setProblem({ chart, message: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      stale = true;
      current?.remove();
      setDrawn(null);
    };
  }, [chart, palette]);
  if (problem?.chart === chart)
    return <Problem message={`Vega-Lite cannot draw this: ${problem.message}`}>{source}</Problem>;
  return (
    <figure className={styles.figure} aria-label={`Chart ${chart.title || name}`}>
      <div ref={box} className={styles.box} data-testid="chart" data-drawn={drawn !== null} />
      <figcaption className={styles.caption}>
        <Notes notes={chart.notes} />
        <span className={styles.hint}>{drawn ? "The numbers are in the tab Data." : "The chart is being drawn…"}</span>
        {drawn && <Save drawn={drawn} name={name} />}
      </figcaption>
    </figure>
  );
}

function Save({ drawn, name }: { drawn: Drawn; name: string }) {
  const save = async (type: "png" | "svg") => {
    const link = document.createElement("a");
    link.href = await drawn.picture(type);
    link.download = `${safeName(name.replace(/(\.vl)?\.json$/, ""))}.${type}`;
    link.click();
  };
  return (
    <span className={styles.save}>
      <button type="button" onClick={() => save("png")}>
        Save as PNG
      </button>
      <button type="button" onClick={() => save("svg")}>
        Save as SVG
      </button>
    </span>
  );
}
