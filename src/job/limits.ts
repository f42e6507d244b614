/** The sizes of the contract (characters are UTF-16 units, bytes are UTF-8), in one place. */
export const LIMITS = {
  promptBytes: 1024 * 1024,
  /** `result` of an event: 1 MiB, kept in `texts/`. */
  resultBytes: 1024 * 1024,
  /** `detail` of an event. */
  detailChars: 2_000,
  /** `files` of an event. */
  files: 100,
  /** One name in `files`. */
  fileChars: 1_000,
  /** A page of a task. Codex cuts a tool result at about 48 KB, so bytes count as well. */
  taskPageChars: 16_000,
  taskPageBytes: 32 * 1024,
  /** A tool's answer, unless more is asked for. */
  answerChars: 20_000,
  /** An MQTT payload; longer texts are handed over as a file. */
  payloadBytes: 64 * 1024,
  /** A journal line: appends below the page size never tear another writer's line. */
  lineBytes: 4 * 1024,
  /** What a delegation fixes about its job, as JSON: the rest of its first journal line is for the event. */
  orderBytes: 4 * 1024 - 320,
  /** A longer PATH for the script of a job is kept in `texts/`. */
  pathChars: 1_000,
  /** How much of a `result` the record itself carries; the full text is in `texts/`. */
  resultPreviewChars: 2_000,
  /** How much of a prompt the record carries. */
  promptPreviewChars: 200,
  /** The longest time limit of a job, in seconds: a week. */
  timeoutSeconds: 7 * 24 * 3600,
  /** A text typed into a pane: Claude Code marks pastes that are longer, or have more than 3 lines, as untrusted. */
  orderChars: 700,
  /** How deep a peer's own delegations may go: a job that no peer delegated has depth 0. */
  maxDepth: 4,
  /** Open jobs of one supervisor's session. */
  maxOpenJobs: 50,
  /** Sessions of one agent kind that are started for single jobs and in use at once: an agent may take 300 MB. */
  maxNewSessions: 10,
  /** How many events of a kind one job may get over a long time, twice that at once; those that end it are not limited. */
  eventsPerMinute: 5_000,
  /** A journal with this many events takes no more events that change nothing. */
  keptEvents: 100_000,
} as const;
