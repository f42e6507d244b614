/** What the client says about its environment; it may send updates of parts of it at any time. */
export interface HostContext {
  theme?: 'light' | 'dark';
  styles?: { variables?: Record<string, string | undefined> };
  displayMode?: string;
  availableDisplayModes?: string[];
  containerDimensions?: { height?: number; maxHeight?: number };
}

/** A tool's own error answer: the connection to it worked. */
export class Refusal extends Error {}

/** What shows the page and passes its calls on: a client with MCP Apps, or the server of `mam web`. */
export interface Host {
  /** True if it passes calls on. */
  readonly calls: boolean;
  readonly context: HostContext;
  /** True for a page that belongs to a person, who may also read whole tasks, report, and delegate. */
  readonly isPersons: boolean;
  /**
   * Calls a tool of the server.
   * @param ms how long the answer may take; leave it out if the client may ask its user first
   * @throws Refusal with the tool's text, Error if the server can't be reached
   */
  call<T>(name: string, args: Record<string, unknown>, ms?: number): Promise<T>;
  /** Asks for another display mode. */
  show(mode: string): Promise<void>;
}
