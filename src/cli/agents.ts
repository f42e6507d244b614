import { explain } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { clean, cleanLine } from '../base/text.ts';
import type { Link } from '../link/link.ts';
import {
  type AgentRow,
  type AgentsAnswer,
  agentPlace,
  agents,
  agentsView,
  rowWords,
  stateOf,
} from '../operations/agents.ts';
import { addressOf } from '../operations/host-address.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import type { Settings } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { tableText } from './core/table.ts';
import { withHub } from './jobs/with-hub.ts';

const EVIDENCE_CHARS = 60;
const ABOUT_CHARS = 200;

export default defineCommand({
  about: ['Lists the agents in tmux panes with what each is doing, and the agent kinds that can be started.'],
  options: { ...agents.fields, all: flag('those of this host and of every host in `hosts`') },
  json: {
    tool: 'list_agents',
    also: 'With `--all`, `hosts` has one such answer per other host, with its `host`, or its `problem`.',
  },
  exits: { done: 'done' },
  examples: ['mam agents', 'mam agents --host hostb'],

  run: ({ options: { host: named, all }, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const from = { ...settings, inside: settings.paneSocket };
      const { host } = addressOf({ host: named }, settings);
      const one = async (at: string | undefined) => {
        const rows = await agentsAt(ask, settings, at);
        return { view: agentsView(rows, from, sayAt(at), at), text: textOf(rows, at) };
      };
      if (!all || host !== undefined) {
        const { view, text } = await one(host);
        return printAnswer(json, view, text);
      }
      const here = await one(undefined);
      const others = await Promise.all(
        Object.keys(settings.hosts).map(async (at) => {
          const found = await one(at).catch((error: unknown) => ({ problem: explain(error) }));
          return { host: at, found };
        }),
      );
      const hosts = others.map(({ host: at, found }) =>
        'problem' in found ? { host: at, ...found } : { host: at, ...found.view },
      );
      const texts = others.map(
        ({ host: at, found }) => `${at}:\n${'problem' in found ? found.problem : found.text}`,
      );
      return printAnswer(
        json,
        { ...here.view, hosts },
        [`${settings.host}:\n${here.text}`, ...texts].join('\n\n'),
      );
    }),
});

async function agentsAt(
  ask: Link['request'],
  settings: Settings,
  host: string | undefined,
): Promise<AgentRow[]> {
  if (host === undefined) return (await ask('agents', agentPlace(settings))).agents;
  const there = await ask('ask_host', { host, command: 'agents', params: {} }, ELSEWHERE_MS);
  return (there as unknown as AgentsAnswer).agents;
}

function sayAt(host: string | undefined) {
  const at = host === undefined ? '' : ` --host ${host}`;
  return {
    delegate: 'mam submit --help',
    start: (kind: string) => `mam start ${kind}${at}`,
    none: 'mam submit --help',
  };
}

function textOf(rows: readonly AgentRow[], host: string | undefined): string {
  const cells = rows.map((row) => cellsOf(row, host));
  const titles = ['AGENT', 'SESSION', 'STATE'];
  // Without a text about any of them there is no column for it.
  if (rows.every(({ about }) => about === undefined))
    return tableText(
      titles,
      cells.map((row) => row.slice(0, titles.length)),
      { whole: true },
    );
  return tableText([...titles, 'ABOUT'], cells, { whole: true });
}

function cellsOf(row: AgentRow, host: string | undefined): string[] {
  const { about = '', session, evidence, jobs, peer_server: peer } = row;
  const name = rowWords(row);
  const state = stateOf(row);
  if (session === undefined) return [name, '-', idleText(row, state, host), cleanLine(about, ABOUT_CHARS)];
  const words = evidence === undefined ? '' : `  ${cleanLine(evidence, EVIDENCE_CHARS)}`;
  const server = peer === 'connected' ? '' : '  (no mam server)';
  const held = jobs.length === 0 ? '' : `  job ${jobs.join(', ')}`;
  return [
    name,
    `tmux:${session.session} ${session.pane}`,
    `${state}${held}${server}${words}`,
    cleanLine(about, ABOUT_CHARS),
  ];
}

function idleText({ agent, evidence = '' }: AgentRow, state: string, host: string | undefined): string {
  if (state === 'unusable') return `unusable: ${clean(evidence)}`;
  if (state === 'not_installed') return 'not installed';
  return `not running; mam start ${agent}${host === undefined ? '' : ` --host ${host}`}`;
}
