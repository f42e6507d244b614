import { join } from 'node:path';

/** A hub that the system runs for its user. */
export interface Service {
  /** Its name for the system, such as `mam-hub`. */
  name: string;
  /** The program with its arguments, all by full paths. */
  command: readonly string[];
  /** No secrets: any program of the user may read the file. */
  env: Readonly<Record<string, string>>;
}

/** What the system needs to run a service. */
export interface Unit {
  path: string;
  text: string;
  /** Commands that start it, and that end it for good. */
  start: readonly (readonly string[])[];
  end: readonly (readonly string[])[];
}

/** A user unit of systemd. @param config the user's configuration folder, such as `~/.config` */
export function systemdUnit({ name, command, env }: Service, config: string): Unit {
  const file = `${name}.service`;
  const text = [
    '[Unit]',
    'Description=The hub of mam (multi-agent-mux)',
    '',
    '[Service]',
    `ExecStart=${command.map((word) => inUnit(word).replaceAll('$', '$$$$')).join(' ')}`,
    ...Object.entries(env).map(([key, value]) => `Environment=${inUnit(`${key}=${value}`)}`),
    'Restart=always',
    'RestartSec=2',
    '# A tmux server that the hub has started is the user’s: it must outlive the hub.',
    'KillMode=process',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
  const systemctl = (...args: string[]) => ['systemctl', '--user', ...args];
  return {
    path: join(config, 'systemd', 'user', file),
    text,
    start: [systemctl('daemon-reload'), systemctl('enable', file), systemctl('restart', file)],
    end: [systemctl('disable', '--now', file)],
  };
}

/** A word of a unit file. systemd expands `%` everywhere. */
function inUnit(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('\n', '\\n')}"`;
}

/** An agent of launchd. @param home the user's home @param uid the user's id */
export function launchdAgent({ name, command, env }: Service, home: string, uid: number): Unit {
  const label = `dev.multi-agent-mux.${name}`;
  const path = join(home, 'Library', 'LaunchAgents', `${label}.plist`);
  const text = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key><string>${inXml(label)}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...command.map((word) => `    <string>${inXml(word)}</string>`),
    '  </array>',
    '  <key>EnvironmentVariables</key>',
    '  <dict>',
    ...Object.entries(env).map(
      ([key, value]) => `    <key>${inXml(key)}</key><string>${inXml(value)}</string>`,
    ),
    '  </dict>',
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><true/>',
    '  <!-- A tmux server that the hub has started is the user’s: it must outlive the hub. -->',
    '  <key>AbandonProcessGroup</key><true/>',
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
  const domain = `gui/${uid}`;
  return {
    path,
    text,
    start: [
      ['launchctl', 'bootstrap', domain, path],
      ['launchctl', 'kickstart', '-k', `${domain}/${label}`],
    ],
    end: [['launchctl', 'bootout', `${domain}/${label}`]],
  };
}

function inXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
