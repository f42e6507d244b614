/** Why a scenario of the conformance suite is not run: what it needs that this server does not have. */
const FIXTURE_TOOL = "calls a tool of the suite's own sample server";
const FIXTURE_RESOURCE = "reads a resource of the suite's own sample server";
const FIXTURE_PROMPT = "requests a prompt of the suite's own sample server";
const HTTP = 'tests HTTP; this server speaks only stdio, so it would test the bridge';

/** A scenario: run, or not run, with the reason and our own test of the same behaviour. */
export type Scenario = { run: true } | { reason: string; instead?: string };

/** Every server scenario of @modelcontextprotocol/conformance 0.1.13. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'server-initialize': { run: true },
  ping: { run: true },
  'tools-list': { run: true },
  'resources-list': { run: true },
  'prompts-list': { run: true },
  'logging-set-level': { reason: 'this server declares no logging: it logs to stderr' },
  'tools-call-simple-text': { reason: FIXTURE_TOOL, instead: 'test/e2e/every-tool.test.ts' },
  'tools-call-image': { reason: `${FIXTURE_TOOL}; none of our tools returns images` },
  'tools-call-audio': { reason: `${FIXTURE_TOOL}; none of our tools returns audio` },
  'tools-call-embedded-resource': { reason: `${FIXTURE_TOOL}; answers are text that all clients show` },
  'tools-call-mixed-content': { reason: `${FIXTURE_TOOL}; answers are text that all clients show` },
  'tools-call-with-logging': { reason: `${FIXTURE_TOOL}; this server logs to stderr` },
  'tools-call-error': { reason: FIXTURE_TOOL, instead: 'test/e2e/every-tool.test.ts' },
  'tools-call-with-progress': { reason: FIXTURE_TOOL, instead: 'test/e2e/wait.test.ts' },
  'tools-call-sampling': { reason: `${FIXTURE_TOOL}; this server never asks a client's model` },
  'tools-call-elicitation': { reason: `${FIXTURE_TOOL}; a dialog would hang an unattended client` },
  'elicitation-sep1034-defaults': { reason: `${FIXTURE_TOOL}; no elicitation` },
  'elicitation-sep1330-enums': { reason: `${FIXTURE_TOOL}; no elicitation` },
  'json-schema-2020-12': {
    reason: `${FIXTURE_TOOL} with $defs and $ref, which clients remove`,
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
