import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../src/agents/index.ts';
import { clients } from '../../src/install/index.ts';
import { ATTENTION_REASONS, FAILURE_REASONS, MAKERS, SOURCES, STATUSES } from '../../src/job/words.ts';
import { COMMANDS } from '../../src/operations/commands.ts';
import { parseConfigFile } from '../../src/settings/config-file.ts';
import { tools } from '../../tools/index.ts';
import { HOMES } from '../agents/programs.ts';
import { type Message, PROGRAM } from '../support/mcp-client.ts';
import { anchors, blocks, DOCUMENTS, prose, ROOT, read, shellCommands } from './markdown.ts';
import { refusalOf } from './refusal.ts';

const manifest = JSON.parse(read('package.json')) as {
  version: string;
  bin: Record<string, string>;
  scripts: Record<string, string>;
};

/** Files that the program makes or its users have: no part of the checkout. */
const NOT_OURS =
  /^(hub\.(sock|json|log|lock|owner|starting)|hub\.log\.1|installed\.json|job\.json|config\.json|mam\.json|prompt\.md|task\.md|night\.md|review\.md|events\.jsonl|screen\.txt|validate\.log|settings\.json|opencode\.json|\.mcp\.json|\.bad)$/;
/** Stand for a file that a reader makes. */
const EXAMPLE = /\/my-[a-z]+\.ts$/;
const FILE = /^[\w./-]+\.(ts|mjs|md|json|jsonl|sock|log|txt|example)$/;
const FOLDER = /^(src|tools|test|docs|scripts|bench|dist|\.ci)\/[\w/-]*$/;
/** Methods of the protocol look like folders. */
const METHOD = /^tools\/(list|call)$/;

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);
  const names = new Set(files('.').map((file) => basename(file)));
  const tests = files('test').filter((file) => file.endsWith('.test.ts'));

  test('names only files that exist', () => {
    const named = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
    const lost = named.filter((name) => {
      if (name.startsWith('dist/') || NOT_OURS.test(basename(name)) || EXAMPLE.test(name)) return false;
      if (FILE.test(name)) return !exists(name) && !(name === basename(name) && names.has(name));
      return FOLDER.test(name) && !METHOD.test(name) && !exists(name);
    });
    expect(lost).toEqual([]);
  });

  test('links only to what is there', () => {
    const lost = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => {
        if (/^https?:/.test(target)) return false;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? document : normalize(join(dirname(document), path));
        return !exists(file) || (anchor !== undefined && !anchors(read(file)).includes(anchor));
      });
    expect(lost).toEqual([]);
  });

  test('calls only npm scripts, tests and programs of the checkout that are there', () => {
    for (const command of shellCommands(text)) {
      const script = /^npm (?:run (\S+)|(test))(?: -- |$)/.exec(command);
      if (script) expect(Object.keys(manifest.scripts)).toContain(script[1] ?? script[2]);
      const chosen = /^(?:npx vitest run|npm run test:flaky --)((?: (?!-t )\S+)*)/.exec(command)?.[1] ?? '';
      for (const part of chosen.split(' ').filter((word) => /^[a-z]/.test(word))) {
        expect(
          tests.some((file) => file.includes(part)),
          command,
        ).toBe(true);
      }
      const program = /^(?:node )?((?:bench|scripts|\.ci)\/\S+)/.exec(command)?.[1];
      if (program) expect(exists(program), command).toBe(true);
    }
  });
});

test('the tree of AGENTS.md is the tree', () => {
  const tree = blocks(read('AGENTS.md')).find(({ language }) => language === '')?.text ?? '';
  let parent = '';
  const named = tree
    .trim()
    .split('\n')
    .map((line) => {
      const [name = ''] = line.trim().split(/\s/);
      if (!line.startsWith(' ')) parent = name;
      return line.startsWith(' ') ? join(parent, name) : name;
    });
  expect(named.filter((name) => !exists(name))).toEqual([]);
});

const INSTALLING = 'test/docs/as-written.test.ts';
const ANSWERING = 'test/docs/agents-as-written.test.ts';
const WORKTREES = 'test/docs/worktrees-as-written.test.ts';
const WORK_THERE = 'test/mesh/work-there.test.ts';
const MANY = 'test/docs/many-machines-as-written.test.ts';

/** The documents whose commands a user types. */
const FOR_USERS = [
  ...['README.md', 'docs/install.md', 'docs/clients.md', 'docs/agents.md', 'docs/jobs.md'],
  ...['docs/many-machines.md', 'docs/worktrees.md'],
];

/** Where each command that they show is tried: by a test of ours, or as CI's text has it. */
const TRIED: Record<string, string> = {
  'git clone https://github.com/multi-agent-mux/multi-agent-mux && cd multi-agent-mux': 'git clone -q .',
  'npm run setup': 'npm run --silent setup',
  'npm pack': 'npm pack',
  [`npm install -g ./multi-agent-mux-${manifest.version}.tgz`]:
    'npm install --no-progress --loglevel=error "$tarball"',
  'mam install claude-code --dry-run': INSTALLING,
  'mam install claude-code': INSTALLING,
  'mam install codex --dry-run': INSTALLING,
  'mam install codex': INSTALLING,
  'mam install gemini --dry-run': INSTALLING,
  'mam install gemini': INSTALLING,
  'mam install opencode --dry-run': INSTALLING,
  'mam install opencode': INSTALLING,
  "tmux new-session -d -s stand-in 'mam demo peer'": ANSWERING,
  'mam submit --prompt \'Write the file hello.txt with one line: "Hello"\' --agent command --agent-session tmux:stand-in':
    ANSWERING,
  'mam attach stand-in': ANSWERING,
  'mam list': ANSWERING,
  'mam logs fix-the-login': ANSWERING,
  'mam doctor': 'test/cli/doctor.test.ts',
  'mam done JOB_ID "The key is on the board."': ANSWERING,
  'mam submit "Fix the login test" --agent codex --start --validate ./check.sh': ANSWERING,
  'mam answer "Slate, not tin."': ANSWERING,
  'mam allow': ANSWERING,
  'mam start codex --name reviewer --model gpt-5 --env-file ~/keys.env -- --search': ANSWERING,
  'mam start my-agent': ANSWERING,
  'mam agents': ANSWERING,
  'mam stop my-agent': ANSWERING,
  'ssh hostb mam --version': MANY,
  'mam hosts check hostb': MANY,
  'mam submit "Fix the login test" --host hostb --agent codex --start --workdir /srv/shop --validate /srv/shop/check.sh':
    MANY,
  'mam hosts': MANY,
  'mam agents --host hostb': MANY,
  'mam start codex --host hostb --workdir /srv/shop': MANY,
  'mam submit "Fix the search test" --agent codex --agent-session tmux:codex@hostb --workdir /srv/shop --no-wait':
    MANY,
  'mam list --host hostb': MANY,
  'mam stop codex@hostb': MANY,
  'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=mam CA" -keyout ca.key -out ca.pem':
    MANY,
  'openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=broker.lan" -keyout server.key -out server.csr':
    MANY,
  [String.raw`printf 'subjectAltName=DNS:broker.lan\nextendedKeyUsage=serverAuth\n' > server.ext`]: MANY,
  'openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile server.ext -out server.pem':
    MANY,
  'openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=hosta" -keyout hosta.key -out hosta.csr':
    MANY,
  [String.raw`printf 'extendedKeyUsage=clientAuth\n' > hosta.ext`]: MANY,
  'openssl x509 -req -in hosta.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile hosta.ext -out hosta.pem':
    MANY,
  'mam hosts acl --broker mosquitto hosta hostb': MANY,
  'openssl rand -hex 16': MANY,
  'mosquitto_passwd -U /etc/mosquitto/mam/passwords': MANY,
  'mam hub install': MANY,
  'mam hub restart': MANY,
  'mosquitto_passwd -b /etc/mosquitto/mam/passwords hostc PASSWORD-OF-hostc': MANY,
  'mam cancel JOB_ID --forget': MANY,
  'mam diff JOB_ID | git apply': WORK_THERE,
  'mam merge JOB_ID --into /srv/shop': WORK_THERE,
  'mam submit --worktree --agent codex --no-wait --prompt "Fix the login test"': WORKTREES,
  'mam submit --worktree rewrite-cache --agent claude-code --no-wait --prompt "Rewrite the cache"': WORKTREES,
  'mam submit --agent builder --worktree fix-login --no-wait --prompt "Fix the login test, and commit"':
    WORKTREES,
  'mam submit --agent reviewer --after BUILDER_ID --worktree review-login --base fix-login --prompt "Review the last commits"':
    WORKTREES,
  'mam wait': WORKTREES,
  'mam diff JOB_ID': WORKTREES,
  'mam diff JOB_ID --stat': WORKTREES,
  'mam merge JOB_ID': WORKTREES,
  'mam discard JOB_ID': WORKTREES,
  'mam submit "Fix the login test" --agent builder --start': WORKTREES,
  'mam submit "Review the branch fix-login" --agent reviewer --start': WORKTREES,
  'mam list --agent reviewer': WORKTREES,
  'mam submit --new --agent codex --max 3 --no-wait --prompt "Fix the login test"': WORKTREES,
  'mam submit --agent codex --no-wait --prompt "Fix the login test"': WORKTREES,
  'mam submit --agent claude-code --after JOB_ID --no-wait --prompt "Review this change: {{result:JOB_ID}}"':
    WORKTREES,
  'mam list --usage': WORKTREES,
  'mam start codex --resume JOB_ID': 'test/agents/scenarios/conversation.test.ts',
};

test('the README shows and installs on its first screen, and is short', () => {
  const readme = read('README.md');
  expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(11 * 1024);
  const first = readme.split('\n').slice(0, 40).join('\n');
  const pictures = [...first.matchAll(/(?:src|srcset)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(pictures).toEqual(['docs/picture-dark.svg', 'docs/picture-light.svg']);
  for (const path of pictures) expect(exists(path), path).toBe(true);
  expect(/<img [^>]*alt="([^"]*)"/.exec(first)?.[1]?.length).toBeGreaterThan(40);
  expect(shellCommands(first)).toHaveLength(3);
});

describe('what users are told to type', () => {
  const readme = read('README.md');
  const ci = read('.ci/run');

  test('is tried by CI or by a test', () => {
    const typed = FOR_USERS.flatMap((document) => shellCommands(read(document)));
    expect(new Set(typed)).toEqual(new Set(Object.keys(TRIED)));
    for (const command of typed) {
      const where = TRIED[command] ?? '';
      expect(where.startsWith('test/') ? exists(where) : ci.includes(where), command).toBe(true);
    }
    expect(manifest.scripts['build']).toBe('node scripts/build.mjs');
  });

  test('starts the program that the package installs', () => {
    expect(Object.keys(manifest.bin)).toEqual(['mam']);
    expect(JSON.parse(read('mcp.json.example')).mcpServers.mam.command).toBe('mam');
  });

  test('is known to its tables', () => {
    for (const { name, start } of KINDS.filter((kind) => kind.start)) {
      expect(readme, name).toContain(`\`mam start ${name}\``);
      expect(readme, name).toContain(`\`tmux:${start?.program}\``);
    }
    for (const { npm } of HOMES) expect(readme).toContain(npm.version);
    for (const client of Object.keys(clients)) expect(readme).toContain(`\`mam install ${client}\``);
    for (const reason of ATTENTION_REASONS) expect(readme).toContain(`| \`${reason}\` |`);
  });
});

test('docs/agents.md has every kind, field, agent and version', () => {
  const page = read('docs/agents.md');
  for (const { name, title, start } of KINDS) {
    expect(page, name).toMatch(new RegExp(`\\b${name}\\b`));
    if (start !== undefined) expect(page).toContain(title.replace(/ CLI$/, ''));
  }
  for (const { npm } of HOMES) expect(page, npm.name).toContain(npm.version);
  const examples = blocks(page).filter(({ language }) => language === 'json');
  // They have no unknown field; those that only some need are in the table.
  const kinds = examples.map(({ text }) => parseConfigFile('docs/agents.md', text).agents);
  expect(kinds).toMatchObject([{ builder: {}, reviewer: {} }, { 'my-agent': {} }]);
  const fields = /An agent kind has: (.*)\./.exec(refusalOf('{"agents":{"x":{"":1}}}'))?.[1]?.split(', ');
  expect(fields?.length).toBeGreaterThan(1);
  for (const field of fields ?? []) expect(page, field).toMatch(new RegExp(`^\\|[^|]*\`${field}\``, 'm'));
});

test('mcp.json.example starts the server', async () => {
  const { command, args } = JSON.parse(read('mcp.json.example')).mcpServers.mam as {
    command: string;
    args: string[];
  };
  const folder = mkdtempSync(join(tmpdir(), 'mam-example-'));
  try {
    symlinkSync(PROGRAM, join(folder, 'mam'));
    const path = [folder, process.env['PATH']].join(delimiter);
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: path, HOME: folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve).once('error', reject);
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    };
    const messages = [
      { id: 1, method: 'initialize', params },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/list' },
    ];
    child.stdin.end(
      messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
    );
    expect(await ended).toBe(0);
    const answers = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Message);
    expect(answers.find(({ id }) => id === 1)?.result.serverInfo).toMatchObject({
      name: 'mam',
      version: manifest.version,
    });
    const listed = answers.find(({ id }) => id === 2)?.result.tools as { name: string }[];
    expect(listed.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the protocol page knows every word', () => {
  const words = [...STATUSES, ...ATTENTION_REASONS, ...FAILURE_REASONS, ...SOURCES, ...Object.keys(MAKERS)];
  const page = read('docs/protocol.md');
  expect(words.filter((word) => !page.includes(`\`${word}\``))).toEqual([]);
  expect(Object.keys(COMMANDS).filter((name) => !page.includes(`\n| \`${name}\` |`))).toEqual([]);
});

test('the troubleshooting page quotes texts that the program has', () => {
  const source = [...files('src'), ...files('tools')].map(read).join('\n');
  const quoted = [...read('docs/troubleshooting.md').matchAll(/^\| `([^`]+)` \|/gm)].map(
    ([, text = '']) => text,
  );
  expect(quoted.length).toBeGreaterThan(15);
  const unknown = quoted.filter((text) => !text.split('…').every((part) => source.includes(part.trim())));
  expect(unknown).toEqual([]);
});

function exists(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined;
}

/** The files below a folder of the checkout, without what git does not keep. */
function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (['node_modules', 'dist', '.git', '.mam'].includes(entry.name)) return [];
    return entry.isDirectory() ? files(path) : [path];
  });
}
