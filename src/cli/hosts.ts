import { join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { choice, flag, maybe } from '../base/fields.ts';
import { cleanLine } from '../base/text.ts';
import type { Found } from '../doctor/finding.ts';
import { findingLines } from '../doctor/finding-lines.ts';
import { brokerFindings, hostFindings, policyFindings } from '../doctor/host-findings.ts';
import { type HostRow, type HostsResult, hostsSummary, stateText } from '../operations/hosts.ts';
import { HOST_NAME } from '../settings/hosts-config.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { LOOKS } from './core/looks.ts';
import { isTerminal, note, print, printAnswer } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { aclFor, BROKERS } from './hosts/acl.ts';
import { hostsText } from './hosts/hosts-text.ts';
import { withHub } from './jobs/with-hub.ts';

/** A look at the whole realm takes a second, and a check up to five. In ms. */
const ANSWER_MS = 15_000;
const ACTIONS = ['list', 'check', 'acl'] as const;

export default defineCommand({
  synopsis: '[list] [--all] | check HOST | acl --broker mosquitto|nats|rabbitmq [HOST…]',
  about: [
    'Lists the other machines that `hosts` in `MAM_HOME/config.json` names: whether each is online, how it is reached, how many of your open jobs it has, and what each of the two may ask of the other. --all also lists every hub that the broker knows.',
    'check: says hello to one host and tells how long the answer took, whether the clocks agree, whether the broker proves who sends, and what is allowed both ways. acl: prints the configuration files with which a broker proves who sends, for the hosts given; without any, for this one and those of `hosts` that have no `ssh`.',
  ],
  words: [
    { name: 'ACTION', about: `${ACTIONS.join(', ')}; default: list`, oneOf: ACTIONS },
    { name: 'HOST', about: 'a host', completes: 'host', many: true },
  ],
  options: {
    all: flag('also every hub that the broker knows in this realm'),
    broker: maybe(choice(BROKERS, 'with acl: the kind of the broker')),
  },
  json: 'list: `host`, `hosts`, `online`, `broker` and `rows`; check: `summary`, `ok`, `findings` and `row`; acl: `files` (`file`, `text`); each with `next`',
  exits: {
    done: 'done; with check: the host can be asked',
    unavailable: 'with check: the host is away or cannot be asked',
  },
  examples: [
    'mam hosts',
    'mam hosts check hostb',
    'mam hosts acl --broker mosquitto hosta hostb',
    'mam hosts --json | jq -r \'.rows[] | select(.state == "online") | .host\'',
  ],

  async run({ words: [action = 'list', ...names], options, registryDir, json }) {
    const { all, broker } = options;
    if (all && action !== 'list')
      throw new MamError('bad_input', '--all is only for the list.', 'Leave it out.');
    if (broker !== undefined && action !== 'acl')
      throw new MamError('bad_input', '--broker is only for acl.', 'Leave it out.');
    if (action === 'acl') return acl(names, broker, registryDir, json);
    const [name, extra] = names;
    if (extra !== undefined || (action === 'list' && name !== undefined))
      throw new MamError('bad_input', `Unexpected argument "${cleanLine(extra ?? name ?? '', 40)}".`);
    if (action === 'list') return list(all, registryDir, json);
    if (name === undefined) throw new MamError('bad_input', 'HOST is missing.', '`mam hosts` lists them.');
    return check(name, registryDir, json);
  },
});

async function list(all: boolean, registryDir: string | undefined, json: boolean): Promise<number> {
  return withHub(registryDir, async ({ settings, ask }) => {
    const found = await ask('hosts', { all }, ANSWER_MS);
    if (all && found.broker?.state !== 'joined') throw noBroker(found);
    const { rows, host } = found;
    const summary = hostsSummary(found);
    const config = join(settings.home, 'config.json');
    const [first] = rows;
    const next = first === undefined ? `Name other hosts in ${config}.` : `mam hosts check ${first.host}`;
    if (json) return printAnswer(true, { summary, ...found, next }, '');
    if (rows.length === 0) {
      print(`${summary}\nName others under "hosts" in ${config}, and this one as ${host} in theirs.`);
      return EXIT.done;
    }
    print(hostsText(rows));
    const say = isTerminal() ? print : note;
    say(`This host is ${host}.`);
    const wrong = found.broker === undefined ? [] : brokerFindings(host, found.broker);
    for (const { level, title, remedy } of wrong) if (level !== 'ok') say(`${title} ${remedy}`);
    return EXIT.done;
  });
}

async function check(name: string, registryDir: string | undefined, json: boolean): Promise<number> {
  return withHub(registryDir, async ({ ask }) => {
    const found = await ask('hosts', { all: false, check: name }, ANSWER_MS);
    const [row] = found.rows;
    if (row === undefined)
      throw new MamError('not_found', `Nothing is known of ${name}.`, '`mam hosts` lists them.');
    const isOverBroker = row.via === 'broker' && found.broker !== undefined;
    const findings: Found[] = [
      ...(isOverBroker && found.broker ? brokerFindings(found.host, found.broker) : []),
      ...hostFindings(row, found.broker),
      ...(row.state === 'online' ? policyFindings(row) : []),
    ];
    const ok = row.state === 'online' && findings.every(({ level }) => level !== 'problem');
    const summary = ok ? canBeAsked(row) : cannotBeAsked(row);
    const next = findings.find(({ level }) => level !== 'ok')?.remedy ?? `mam agents --host ${name}`;
    const text = findings.flatMap((finding) => findingLines(finding, LOOKS, true));
    printAnswer(json, { summary, ok, findings, row, next }, [...text, '', summary].join('\n'));
    return ok ? EXIT.done : EXIT.unavailable;
  });
}

/** What a host that answers can be asked for, in a sentence. */
function canBeAsked({ host, may_we: may }: HostRow): string {
  return may?.delegate === false ? `${host} answers, but takes no jobs from here.` : `${host} can be asked.`;
}

function cannotBeAsked(row: HostRow): string {
  const why = row.state === 'online' ? '' : `: ${stateText(row)}`;
  return `${row.host} cannot be asked now${why}.`;
}

async function acl(
  given: string[],
  broker: (typeof BROKERS)[number] | undefined,
  registryDir: string | undefined,
  json: boolean,
): Promise<number> {
  if (broker === undefined)
    throw new MamError(
      'bad_input',
      '--broker is missing.',
      `Give --broker with one of ${BROKERS.join(', ')}.`,
    );
  const wrong = given.find((name) => !HOST_NAME.test(name));
  if (wrong !== undefined)
    throw new MamError(
      'bad_input',
      `"${cleanLine(wrong, 60)}" is not a host name.`,
      'A host name has only a-z, 0-9 and -, at most 40 characters.',
    );
  const { realm, host, hosts } = await readingSettings(registryDir);
  const overBroker = Object.keys(hosts).filter((name) => hosts[name]?.ssh === undefined);
  const names = given.length > 0 ? [...new Set(given)] : [host, ...overBroker];
  const files = aclFor(broker, realm, names);
  const text = files.map(({ file, text }) => `# ${file}\n${text}`).join('\n');
  const next =
    'Replace each PASSWORD-OF-…, and on each host write its name as `host` and `broker_username` into its MAM_HOME/config.json.';
  if (!json) note(next);
  return printAnswer(json, { files, next }, text.trimEnd());
}

function noBroker({ broker }: HostsResult): MamError {
  if (broker?.problem !== undefined)
    return new MamError(
      'unavailable',
      `The broker is not joined: ${broker.problem}`,
      '`mam doctor` shows why.',
    );
  return new MamError(
    'bad_input',
    '--all needs a broker that hubs share.',
    'Set `broker_url` in MAM_HOME/config.json, name another host in `hosts` there, or leave out --all.',
  );
}
