import { Text } from 'ink';
import type { ReactElement } from 'react';
import { cut, wrap } from '../../base/columns.ts';
import { shown, tail } from './cells.ts';
import { type Choice, choicesOf, type Form } from './form.ts';
import { look } from './look.ts';
import { type Menu, startable } from './menu.ts';
import { layoutFor, type State } from './state.ts';

/** The rows of the form besides the prompt, the choices and the problem. */
const FRAME = 6;
/** At least this many rows are for what is being typed. */
const LEAST_PROMPT = 2;
const CURSOR = '█';

/** The form for a new job. */
export function FormView({ state, mode }: { state: State; mode: Form }): ReactElement {
  const { width, body } = layoutFor(state);
  const room = Math.max(1, width - 2);
  const choices = choicesOf(state.texts.agents);
  const problem = wrap(mode.sent ? 'handing it over …' : (mode.problem ?? ''), room);
  const left = Math.max(2, body - FRAME - problem.length);
  const most = Math.max(1, Math.min(choices.length, left - LEAST_PROMPT));
  const cursor = mode.field === 'prompt' && !mode.sent ? CURSOR : '';
  const prompt = wrap(`${shown(mode.prompt)}${cursor}`, room).slice(-Math.max(1, left - most));
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
      <Title text="Who does it" width={width} />
      <Agents state={state} choices={choices} at={mode.at} most={most} />
      {choices[mode.at]?.isOther && (
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
  const choices = kinds.map(({ agent, title }) => ({ label: `${agent} · ${shown(title)}`, agent }));
  const isRead = state.texts.agents !== undefined;
  const none =
    'No installed agent is left to start: `mam agents` shows which run, `mam start KIND --name NAME` starts a second one.';
  const problem = isRead && kinds.length === 0 ? wrap(none, Math.max(1, width - 2)) : [];
  return (
    <>
      <Title text={`Start an agent in ${shown(state.cwd)}`} width={width} />
      <Text> </Text>
      <Agents state={state} choices={choices} at={Math.min(mode.at, kinds.length - 1)} most={body - 4} />
      <Problem state={state} lines={problem} bad={false} />
    </>
  );
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
  const top = Math.max(0, Math.min(at - most + 1, choices.length - most));
  return (
    <>
      {choices.slice(top, top + most).map(({ label }, index) => {
        const isChosen = top + index === at;
        return (
          <Text key={label} wrap="truncate" bold={isChosen} inverse={isChosen}>
            {cut(` ${isChosen ? '▸' : ' '} ${label} `, width)}
          </Text>
        );
      })}
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
