import { lazy, Suspense } from "react";
import { sentence } from "../shell/sentence";
import CodeViewer from "./CodeViewer";
import { type Content, contentPath, viewPath } from "./content";
import { Frame } from "./Frame";
import type { Format, Shown } from "./format";
import { sizeText } from "./name";
import { Picture } from "./Picture";
import { Problem } from "./Problem";
import { type Artifact, stateOf, type Version } from "./state";
import { ViewerBoundary } from "./ViewerBoundary";
import { sourceLanguage, type ViewKind } from "./view";
import type { ViewerProps } from "./viewer";
import styles from "./viewers.module.css";

const ChartData = lazy(() => import("./ChartData"));
const RENDERED: Partial<Record<Format, React.ComponentType<ViewerProps>>> = {
  chart: lazy(() => import("./ChartViewer")),
  json: lazy(() => import("./JsonViewer")),
  markdown: lazy(() => import("./MarkdownViewer")),
  table: lazy(() => import("./TableViewer")),
};

interface Props {
  artifact: Artifact;
  version: Version;
  conversation: string;
  shown: Shown;
  view: ViewKind;
  content: Content;
}

/** A version in one of its views. Whatever the content is, there is something to read: at the least why it is not shown. */
export function ContentView(props: Props) {
  const { artifact, version, conversation, shown, view, content } = props;
  if (shown.format === "bytes")
    return <p className={styles.note}>There is no view of {artifact.media_type || "this type"} here.</p>;
  if (view === "rendered" && version.status === "final") {
    const path = [conversation, artifact.id, version.version] as const;
    if (shown.format === "image") return <Picture src={contentPath(...path)} name={artifact.name} />;
    if (shown.format === "html" || shown.format === "svg")
      return <Frame src={viewPath(...path)} name={artifact.name} />;
  }
  if (shown.format === "image") return <p className={styles.note}>The image is shown when it is final.</p>;
  if (content.kind !== "text") return <NotText content={content} />;
  return <TextView {...props} text={content.text} />;
}

function TextView({ artifact, version, shown, view, text }: Props & { text: string }) {
  const growing = stateOf(artifact, version) === "creating";
  const { name } = artifact;
  const language = sourceLanguage(shown.format, shown.language);
  const source = <CodeViewer text={text} language={language} growing={growing} name={name} />;
  const Viewer = view === "data" ? ChartData : view === "rendered" ? RENDERED[shown.format] : undefined;
  if (!Viewer) return source;
  return (
    <ViewerBoundary instead={source}>
      <Suspense fallback={<p className={styles.note}>Loading the view…</p>}>
        <Viewer {...{ text, growing, name, source }} mediaType={artifact.media_type} />
      </Suspense>
    </ViewerBoundary>
  );
}

function NotText({ content }: { content: Exclude<Content, { kind: "text" }> }) {
  switch (content.kind) {
    case "loading":
      return (
        <div className={styles.loading}>
          <progress aria-label="Content loaded" value={content.received} max={content.total || undefined} />
          {sizeText(content.received)}
          {content.total > 0 && ` of ${sizeText(content.total)}`}
        </div>
      );
    case "too_large":
      return <p className={styles.note}>It is {sizeText(content.size)}, too large to be shown here. Download it.</p>;
    case "failed":
      return <Problem message={`The content cannot be read. ${sentence(content.message)}`} />;
  }
}
