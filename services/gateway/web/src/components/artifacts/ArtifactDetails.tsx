import { useId, useState } from "react";
import { CopyButton } from "../markdown/CopyButton";
import styles from "./ArtifactDetails.module.css";
import { ContentView } from "./ContentView";
import { type Content, contentPath } from "./content";
import { FORMAT_NAMES, formatOf } from "./format";
import { safeName, shortDigest, sizeText } from "./name";
import { type Artifact, STATE_NAMES, stateOf, type Version } from "./state";
import { panelId, Tabs, tabId } from "./Tabs";
import { useContent } from "./useContent";
import { readsText, type ViewKind, viewsOf } from "./view";

interface Props {
  artifact: Artifact;
  conversation: string;
}

/** One artifact: what it is, the views of one of its versions (the last one, unless another is chosen), copy and download. */
export function ArtifactDetails({ artifact, conversation }: Props) {
  const [chosen, setChosen] = useState<number | null>(null);
  const version = artifact.versions.find(({ version }) => version === chosen) ?? artifact.versions.at(-1);
  return version ? <Details {...{ artifact, version, conversation }} onChoose={setChosen} /> : null;
}

interface VersionProps extends Props {
  version: Version;
  onChoose: (version: number | null) => void;
}

function Details({ artifact, version, conversation, onChoose }: VersionProps) {
  const [wanted, setWanted] = useState<ViewKind>("rendered");
  const base = useId();
  const shown = formatOf(artifact.kind, artifact.media_type, artifact.name);
  const views = viewsOf(shown.format);
  const view = views.find(({ key }) => key === wanted)?.key ?? views[0]?.key ?? "rendered";
  const path = contentPath(conversation, artifact.id, version.version);
  const content = useContent(path, version, readsText(shown.format, view));
  const labelled = views.length > 1 ? { role: "tabpanel", "aria-labelledby": tabId(base, view) } : {};
  return (
    <article className={styles.artifact} data-testid="artifact" data-artifact={artifact.id}>
      <Header artifact={artifact} version={version} onChoose={onChoose} />
      <Toolbar {...{ artifact, version, conversation, content }}>
        {views.length > 1 && (
          <Tabs
            label="Views"
            quiet
            base={base}
            tabs={views}
            selected={view}
            onSelect={(key) => setWanted(key as ViewKind)}
          />
        )}
      </Toolbar>
      <div id={panelId(base)} className={styles.panel} {...labelled}>
        <ContentView
          key={`${version.version} ${view} ${version.status}`}
          {...{ artifact, version, conversation, shown, view, content }}
        />
      </div>
      <Footer version={version} />
    </article>
  );
}

interface HeaderProps {
  artifact: Artifact;
  version: Version;
  onChoose: (version: number | null) => void;
}

function Header({ artifact, version, onChoose }: HeaderProps) {
  const { format } = formatOf(artifact.kind, artifact.media_type, artifact.name);
  const state = stateOf(artifact, version);
  const last = artifact.versions.at(-1)?.version;
  return (
    <header className={styles.header}>
      <h2 className={styles.name}>
        <bdi>{artifact.name}</bdi>
      </h2>
      <p className={styles.meta}>
        <span>{FORMAT_NAMES[format]}</span>
        <output className={styles.state} data-state={state}>
          {STATE_NAMES[state]}
        </output>
        {artifact.versions.length > 1 && (
          <select
            aria-label="Version"
            value={version.version}
            onChange={(event) => onChoose(choice(Number(event.target.value), last))}
          >
            {artifact.versions.map((one) => (
              <option key={one.version} value={one.version}>
                Version {one.version}
                {one.version === last ? " (latest)" : ""}
              </option>
            ))}
          </select>
        )}
      </p>
    </header>
  );
}

/** Who chooses the latest version follows it: a further one takes its place. */
function choice(version: number, last: number | undefined): number | null {
  return version === last ? null : version;
}

interface ToolbarProps extends Props {
  version: Version;
  content: Content;
  children: React.ReactNode;
}

function Toolbar({ artifact, version, conversation, content, children }: ToolbarProps) {
  const path = contentPath(conversation, artifact.id, version.version);
  return (
    <div className={styles.toolbar}>
      {children}
      <span className={styles.actions}>
        {content.kind === "text" && <CopyButton text={content.text} what={artifact.name} />}
        {version.status === "final" && (
          <a href={path} download={safeName(artifact.name)}>
            Download
          </a>
        )}
      </span>
    </div>
  );
}

function Footer({ version }: { version: Version }) {
  if (version.status !== "final") return null;
  return (
    <footer className={styles.footer}>
      <span>Version {version.version}</span>
      <span>{sizeText(version.size)}</span>
      {version.digest && <span title={version.digest}>SHA-256 {shortDigest(version.digest)}…</span>}
    </footer>
  );
}
