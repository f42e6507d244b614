import type { Evidence, JobEvidence, PeerEvidence } from '../evidence.ts';
import type { Rule } from './rule.ts';

const MESSAGE =
  /^Job ([a-z0-9-]+): there is something for you to read\. Call the MCP tool publish_event of the server mam with job_id \1 and event progress\. Its answer holds it\. Without that tool run: [^\n"'`$]+ publish --job \1 --event progress, note ([a-z0-9]{8})$/;
/** The messages themselves, if they fit into a line. */
const LETTER =
  /^Job ([a-z0-9-]+), for you: (?:(?:The answer to your question "[^"\n]+"|A message from whoever delegated this job): token-\d+-\d+ ?|Your result did not pass the check \(run [^\n]+)+, note ([a-z0-9]{8})$/;
const REMINDER =
  /^Job ([a-z0-9-]+) is still open and your turn has ended: report now [^\n]* publish --job \1 --event completed, note ([a-z0-9]{8})$/;

/** What reaches a pane is one of our texts, whole and alone, meant for that pane, and once; a shell gets nothing. */
export const panes: Rule = (evidence) => {
  const seen = new Map<string, number>();
  const found = evidence.peers.flatMap((peer) =>
    peer.submitted.flatMap(({ text, at }) => {
      const known = textOf(evidence, peer, text);
      const where = `agent ${peer.name} in ${peer.pane} at ${new Date(at).toISOString().slice(11, 23)}`;
      if (typeof known === 'string')
        return [`${where} was sent ${known}: ${JSON.stringify(text.slice(0, 1_500))}`];
      const { key, job, id } = known;
      seen.set(key, (seen.get(key) ?? 0) + 1);
      return isMeantFor(peer, job)
        ? []
        : [`${where} was sent what is meant for ${job.folded?.agent_session?.pane}: ${key} of ${id}`];
    }),
  );
  for (const [key, times] of seen) if (times > 1) found.push(`typed ${times} times: ${key}`);
  for (const { pane, ran, screen } of evidence.shells) {
    if (ran.length > 1) found.push(`the shell in ${pane} has run: ${ran.slice(1).join(' | ')}`);
    if (screen !== '') found.push(`typed into the shell in ${pane}: ${JSON.stringify(screen)}`);
  }
  return found;
};

/** Which of our texts it is, if any. */
function textOf(
  { jobs }: Evidence,
  peer: PeerEvidence,
  text: string,
): { key: string; id: string; job: JobEvidence } | string {
  for (const [id, job] of Object.entries(jobs))
    if (job.order === text) return { key: `the order of ${id}`, id, job };
  for (const [what, pattern] of [
    ['message', MESSAGE],
    ['message', LETTER],
    ['reminder', REMINDER],
  ] as const) {
    const [, id = '', mark] = pattern.exec(text) ?? [];
    const job = jobs[id];
    // One reminder per job; for messages each mark is typed once.
    if (job !== undefined)
      return { key: what === 'reminder' ? `the reminder of ${id}` : `message ${mark} of ${id}`, id, job };
  }
  return `what is no text of ours, or not alone (${peer.pane})`;
}

function isMeantFor(peer: PeerEvidence, { folded }: JobEvidence): boolean {
  return folded?.agent_session?.pane === peer.pane && folded.agent_session.session === peer.name;
}
