import { Text } from 'ink';
import type { ReactElement } from 'react';
import { cut, wrap } from '../../base/columns.ts';
import { type AgentRow, rowWords, stateOf } from '../../operations/agents.ts';
import { shown, tail } from './cells.ts';
import { type Choice, choicesOf, type Form } from './form.ts';
import { look } from './look.ts';
import { type Menu, startable } from './menu.ts';
import { layoutFor, type State } from './state.ts';

/** The rows of the form besides the prompt, the choices, the session and the problem. */
const FRAME = 4;
/** At least this many rows are for what is being typed. */
const LEAST_PROMPT = 2;
/** The rows of the menu besides the agents and what is said about others. */
const MENU_FRAME = 3;
const CURSOR = '█';

/** The form for a new job. */
export function FormView({ state, mode }: { state: State; mode: Form }): ReactElement {
  const { width, body } = layoutFor(state);
  const room = Math.max(1, width - 2);
  const choices = choicesOf(state.texts.agents);
  const said = mode.sent ? 'handing it over …' : mode.problem;
  const problem = said === undefined ? [] : wrap(said, room);
  const isOther = choices[mode.at]?.isOther === true;
  const left = Math.max(2, body - FRAME - (isOther ? 1 : 0) - problem.length);
  const cursor = mode.field === 'prompt' && !mode.sent ? CURSOR : '';
  const written = wrap(`${shown(mode.prompt)}${cursor}`, room);
  // What is typed gets the rows that the choices leave, and a few in any case.
  const prompt = written.slice(
    -Math.max(1, Math.min(left - 1, Math.max(LEAST_PROMPT, left - choices.length))),
  );
  const most = Math.max(1, left - prompt.length);
  return (
    <>
      <Title text={`New job in ${shown(state.cwd)}`} width={width} />
      {prompt.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text's line is identified only by its position
        <Text key={index} wrap="truncate">
          {` ${line || ' '}`}
        </Text>
      ))}
      <Text> </Text>
      <Title text="Agent" width={width} />
      <Agents state={state} choices={choices} at={mode.at} most={most} />
      {isOther && (
        <Text wrap="truncate">
          {`     session: tmux:${tail(mode.session.replace(/^tmux:/, ''), Math.max(1, width - 21))}${mode.field === 'session' ? CURSOR : '  (Tab)'}`}
        </Text>
      )}
      <Text> </Text>
      <Problem state={state} lines={problem} bad={!mode.sent} />
    </>
  );
}

/** The agents that can be started. */
export function MenuView({ state, mode }: { state: State; mode: Menu }): ReactElement {
  const { width, body } = layoutFor(state);
  const kinds = startable(state.texts.agents);
  const choices = kinds.map(({ agent, kind, title, about = title }) => ({
    label: `${rowWords({ agent, kind })} · ${shown(about)}`,
    agent,
  }));
  const isRead = state.texts.agents !== undefined;
  const about = isRead ? wrap(othersText(state.texts.agents ?? []), Math.max(1, width - 2)) : [];
  return (
    <>
      <Title text={`Start an agent in ${shown(state.cwd)}`} width={width} />
      <Text> </Text>
      <Agents
        state={state}
        choices={choices}
        at={Math.min(mode.at, kinds.length - 1)}
        most={Math.max(1, body - MENU_FRAME - about.length)}
      />
      {kinds.length > 0 && <Text> </Text>}
      <Problem state={state} lines={about} bad={false} />
    </>
  );
}

/** Why the other agents are not in the list. */
function othersText(agents: readonly AgentRow[]): string {
  const named = (rows: readonly AgentRow[]): string => [...new Set(rows.map(rowWords))].join(', ');
  const running = named(agents.filter(({ agent, session }) => session !== undefined && agent !== 'command'));
  const absent = named(agents.filter((row) => row.session === undefined && stateOf(row) === 'not_installed'));
  return [
    ...(startable(agents).length === 0 ? ['No installed agent is left to start.'] : []),
    ...(running === '' ? [] : [`Running: ${running}. mam start KIND --name NAME starts a second one.`]),
    ...(absent === '' ? [] : [`Not installed: ${absent}.`]),
  ].join('\n');
}

function Title({ text, width }: { text: string; width: number }): ReactElement {
  return (
    <Text bold wrap="truncate">
      {cut(` ${text}`, width)}
    </Text>
  );
}

/** The choices around the chosen one. */
function Agents({
  state,
  choices,
  at,
  most,
}: {
  state: State;
  choices: readonly Choice[];
  at: number;
  most: number;
}): ReactElement {
  const { width } = layoutFor(state);
  const { agents, failed } = state.texts;
  if (failed !== undefined) return <Problem state={state} lines={wrap(failed.text, width - 2)} bad />;
  if (agents === undefined) return <Text dimColor>{cut('  looking for agents …', width)}</Text>;
  const isCut = choices.length > most;
  const room = isCut && most > 1 ? most - 1 : most;
  const top = Math.max(0, Math.min(at - room + 1, choices.length - room));
  const below = Math.max(0, choices.length - top - room);
  const more = [top > 0 ? `↑ ${top} more` : '', below > 0 ? `↓ ${below} more` : ''].filter(Boolean);
  const beside = more.length === 0 ? '' : ` ${more.join('  ')} `;
  return (
    <>
      {choices.slice(top, top + room).map(({ label }, index) => {
        const isChosen = top + index === at;
        return (
          <Text key={label} wrap="truncate" bold={isChosen} inverse={isChosen}>
            {cut(` ${isChosen ? '▸' : ' '} ${label} ${room < most ? '' : beside}`, width)}
          </Text>
        );
      })}
      {room < most && <Text dimColor>{cut(`   ${more.join('   ')}`, width)}</Text>}
    </>
  );
}

function Problem({
  state,
  lines,
  bad,
}: {
  state: State;
  lines: readonly string[];
  bad: boolean;
}): ReactElement {
  return (
    <>
      {lines.map((line) => (
        <Text key={line} wrap="truncate" {...look(state.coloured, bad ? { color: 'red' } : {})}>
          {` ${line || ' '}`}
        </Text>
      ))}
    </>
  );
}
