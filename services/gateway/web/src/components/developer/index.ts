import { lazy } from "react";

/** The raw events of the conversation. It is loaded when it is first shown. */
export const DeveloperPanel = lazy(() => import("./DeveloperPanel"));
