import { agentWords } from '../../job/agent-words.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import type { Place } from './place.ts';

/** The warning for a job whose agent was not, or perhaps not, started as the profile that the job is for. */
export function otherProfile(
  { agent, profile }: Pick<DelegateParams, 'agent' | 'profile'>,
  place: Pick<Place, 'session' | 'startedAs'> | undefined,
): string[] {
  if (place === undefined || place.startedAs?.profile === profile) return [];
  const { session, startedAs } = place;
  const where = `tmux:${session.session}`;
  if (profile === undefined) {
    const runs = agentWords({ agent, ...startedAs });
    return [
      `The agent in ${where} was started as ${runs}: its model, arguments and permission mode are those of that profile. The job is for ${agent}, so it does not begin with the profile's preamble.`,
    ];
  }
  const what =
    startedAs === undefined
      ? `mam did not start the agent in ${where}`
      : `The agent in ${where} was started as ${agentWords(startedAs)}`;
  return [
    `${what}, so its model, arguments and permission mode may not be those of the profile ${profile}. To be sure, start one with start_agent (\`mam start ${profile} --name NAME\`), or leave out the session.`,
  ];
}
