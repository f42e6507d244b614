/** Why a scenario of the conformance suite is not run: what it asks for that this server does not have. */
const FIXTURE_TOOL = "calls a tool of the suite's own sample server";
const FIXTURE_RESOURCE = "reads a resource of the suite's own sample server";
const FIXTURE_PROMPT = "gets a prompt of the suite's own sample server";
const HTTP = 'is about HTTP; this server speaks stdio only, and would show the bridge';

/** A scenario: run, or not run, with the reason and the test of ours that looks at the same. */
export type Scenario = { run: true } | { reason: string; instead?: string };

/** Every server scenario of @modelcontextprotocol/conformance 0.1.13. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'server-initialize': { run: true },
  ping: { run: true },
  'tools-list': { run: true },
  'resources-list': { run: true },
  'prompts-list': { run: true },
  'logging-set-level': { reason: 'this server declares no logging: its log is stderr' },
  'tools-call-simple-text': { reason: FIXTURE_TOOL, instead: 'test/e2e/every-tool.test.ts' },
  'tools-call-image': { reason: `${FIXTURE_TOOL}; no tool of ours answers with images` },
  'tools-call-audio': { reason: `${FIXTURE_TOOL}; no tool of ours answers with sound` },
  'tools-call-embedded-resource': { reason: `${FIXTURE_TOOL}; answers are text that all clients show` },
  'tools-call-mixed-content': { reason: `${FIXTURE_TOOL}; answers are text that all clients show` },
  'tools-call-with-logging': { reason: `${FIXTURE_TOOL}; the server's log is stderr` },
  'tools-call-error': { reason: FIXTURE_TOOL, instead: 'test/e2e/every-tool.test.ts' },
  'tools-call-with-progress': { reason: FIXTURE_TOOL, instead: 'test/e2e/wait.test.ts' },
  'tools-call-sampling': { reason: `${FIXTURE_TOOL}; this server never asks a client's model` },
  'tools-call-elicitation': { reason: `${FIXTURE_TOOL}; a dialog would hang an unattended client` },
  'elicitation-sep1034-defaults': { reason: `${FIXTURE_TOOL}; no elicitation` },
  'elicitation-sep1330-enums': { reason: `${FIXTURE_TOOL}; no elicitation` },
  'json-schema-2020-12': {
    reason: `${FIXTURE_TOOL} with $defs and $ref, which clients drop`,
    instead: 'test/mcp/schemas.test.ts',
  },
  'completion-complete': { reason: FIXTURE_PROMPT },
  'resources-read-text': { reason: FIXTURE_RESOURCE },
  'resources-read-binary': { reason: FIXTURE_RESOURCE },
  'resources-templates-read': { reason: FIXTURE_RESOURCE },
  'resources-subscribe': { reason: FIXTURE_RESOURCE },
  'resources-unsubscribe': { reason: FIXTURE_RESOURCE },
  'prompts-get-simple': { reason: FIXTURE_PROMPT },
  'prompts-get-with-args': { reason: FIXTURE_PROMPT },
  'prompts-get-embedded-resource': { reason: FIXTURE_PROMPT },
  'prompts-get-with-image': { reason: FIXTURE_PROMPT },
  'server-sse-polling': { reason: HTTP },
  'server-sse-multiple-streams': { reason: HTTP },
  'dns-rebinding-protection': { reason: HTTP },
};
