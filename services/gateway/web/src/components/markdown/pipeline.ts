/**
 * What text of a model or a person passes before it is on the page: no raw HTML (it stays text), only the elements and
 * attributes of the sanitiser's list, links to http, https and mailto. streamdown's own settings allow every protocol but
 * a few, so they are replaced here; `elements.tsx` looks at each address once more, and loads no picture.
 */
import { defaultRehypePlugins, defaultRemarkPlugins } from "streamdown";
import type { Pluggable, PluggableList, Plugin } from "unified";

export const LINK_PROTOCOLS = ["http", "https", "mailto"];

const [sanitise, schema] = settings(defaultRehypePlugins.sanitize);
const [harden] = settings(defaultRehypePlugins.harden);

export const remarkPlugins: PluggableList = [defaultRemarkPlugins.gfm as Pluggable];

export const rehypePlugins: PluggableList = [
  [
    sanitise,
    {
      ...schema,
      clobberPrefix: "said-", // no id from a message may be one of the page's
      protocols: { href: LINK_PROTOCOLS, src: ["http", "https"], cite: ["http", "https"] },
    },
  ],
  [harden, { allowedLinkPrefixes: ["*"], allowedImagePrefixes: ["*"], allowedProtocols: [], allowDataImages: false }],
];

function settings(plugin: Pluggable | undefined): [Plugin, Record<string, unknown>] {
  if (!Array.isArray(plugin)) throw new Error("streamdown has no such plugin");
  return [plugin[0] as Plugin, plugin[1] as Record<string, unknown>];
}
