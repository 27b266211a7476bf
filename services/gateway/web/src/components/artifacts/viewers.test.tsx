import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { ArtifactDetails } from "./ArtifactDetails";
import CodeViewer from "./CodeViewer";
import { Frame } from "./Frame";
import JsonViewer from "./JsonViewer";
import { Picture } from "./Picture";
import type { Artifact, Version } from "./state";
import TableViewer from "./TableViewer";
import { ViewerBoundary } from "./ViewerBoundary";

const PROBE = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
const SOURCE = <p>the source</p>;

/** What a browser would make elements of, less what the viewers are made of. */
const foreign = (html: string) => html.match(/<(img|script|b|svg|a)[\s>]/g) ?? [];

function artifact(fields: Partial<Artifact>, versions: Partial<Version>[]): Artifact {
  return {
    type: "artifact",
    id: "a2-1",
    name: "figures.csv",
    kind: "table",
    media_type: "text/csv",
    status: "done",
    versions: versions.map((one, index) => ({
      version: index + 1,
      status: "final",
      content: "a,b\n1,2\n",
      digest: "0d49bc11ee31b93a",
      size: 8,
      ref: "",
      ...one,
    })),
    ...fields,
  } as Artifact;
}

const details = (one: Artifact) => renderToStaticMarkup(<ArtifactDetails artifact={one} conversation="hello" />);

describe("markup in an artifact is text", () => {
  test.each([
    [
      "cells and headers of a table",
      <TableViewer
        key={0}
        text={`${PROBE},b\n${PROBE},2\n`}
        growing={false}
        name={PROBE}
        mediaType="text/csv"
        source={SOURCE}
      />,
    ],
    [
      "fields and values of JSON",
      <JsonViewer
        key={0}
        text={JSON.stringify({ [PROBE]: PROBE })}
        growing={false}
        name={PROBE}
        mediaType="application/json"
        source={SOURCE}
      />,
    ],
    ["a source", <CodeViewer key={0} text={PROBE} language="html" growing={false} name={PROBE} />],
  ])("in %s", (_, viewer) => {
    const html = renderToStaticMarkup(viewer);
    expect(foreign(html)).toEqual([]);
    expect(html).toContain("&lt;script&gt;");
  });

  test("in its name, media type and digest", () => {
    const html = details(artifact({ name: PROBE, media_type: PROBE, kind: PROBE }, [{ digest: PROBE }]));
    expect(foreign(html)).toEqual(["<a "]); // the download
    expect(html).toContain("&lt;script&gt;");
  });
});

describe("what is wrong is said above the source", () => {
  const broken = (growing: boolean) =>
    renderToStaticMarkup(
      <TableViewer text="{" growing={growing} name="t" mediaType="application/json" source={SOURCE} />,
    );

  test("of a table that is none", () => {
    expect(broken(false)).toContain('role="alert"');
    expect(broken(false)).toContain("the source");
  });

  test("but not while it is still being written", () => {
    expect(broken(true)).not.toContain('role="alert"');
    expect(broken(true)).toContain("the source");
  });

  test("of a viewer that throws", () => {
    const boundary = new ViewerBoundary({ children: null, instead: SOURCE });
    boundary.state = ViewerBoundary.getDerivedStateFromError(new Error("no such scale")) as never;
    const html = renderToStaticMarkup(boundary.render());
    expect(html).toContain("no such scale");
    expect(html).toContain("the source");
  });
});

test("a page is framed without any permission", () => {
  const html = renderToStaticMarkup(<Frame src="/v1/artifacts/c.a/versions/1/view" name={PROBE} />);
  expect(html).toContain('sandbox=""');
  expect(html).not.toContain("srcdoc");
  expect(foreign(html)).toEqual([]);
});

test("a picture comes from the gateway under its name", () => {
  expect(renderToStaticMarkup(<Picture src="/v1/x" name="sunset.png" />)).toContain(
    '<img src="/v1/x" alt="sunset.png"',
  );
});

test("a page that is not final is shown as its source, not in a frame", () => {
  const page = { media_type: "text/html", name: "page.html" };
  const growing = details(artifact({ ...page, status: "open" }, [{ status: "intermediate", content: "<h1>Half" }]));
  expect(growing).not.toContain("<iframe");
  expect(growing).toContain("&lt;h1&gt;Half");
  expect(details(artifact(page, [{}]))).toContain("<iframe");
});

test("an artifact that is being created says so, and can be downloaded when it is final", () => {
  const growing = details(artifact({ status: "open" }, [{ status: "intermediate" }]));
  expect(growing).toContain("creating…");
  expect(growing).not.toContain("Download");
  const final = details(artifact({}, [{}]));
  expect(final).toContain("final");
  expect(final).toContain('href="/v1/artifacts/hello.a2-1/versions/1/content" download="figures.csv"');
  expect(final).toContain("SHA-256 0d49bc11ee31");
});

test("the latest of several versions is shown, and the others can be chosen", () => {
  const html = details(artifact({ media_type: "text/plain", name: "t.txt" }, [{ content: "old" }, { content: "new" }]));
  expect(html).toContain("Version 2 (latest)");
  expect(html).toContain("new");
  expect(html).not.toContain("old");
});

test("what cannot be shown says why, and can still be downloaded", () => {
  const bytes = details(artifact({ media_type: "application/zip", name: "all.zip" }, [{ content: null, ref: "o1" }]));
  expect(bytes).toContain("There is no view of application/zip here.");
  expect(bytes).toContain("Download");
  const large = details(
    artifact({ media_type: "text/plain", name: "t.txt" }, [{ content: null, ref: "o1", size: 6e6 }]),
  );
  expect(large).toContain("It is 6.0 MB, too large to be shown here. Download it.");
});

test("a long table has only the rows that are in sight in the document", () => {
  const text = `a\n${Array.from({ length: 5000 }, (_, row) => `${row}\n`).join("")}`;
  const html = renderToStaticMarkup(
    <TableViewer text={text} growing={false} name="t" mediaType="text/csv" source={SOURCE} />,
  );
  expect(html).toContain('aria-rowcount="5001"');
  expect((html.match(/<tr/g) ?? []).length).toBeLessThan(100);
});
