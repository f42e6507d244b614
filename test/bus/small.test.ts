import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { frameChecker } from '../../src/bus/frame-guard.ts';
import { keepInOutbox, outboxFolder, watchOutbox } from '../../src/bus/spool/outbox.ts';
import { dropSpool, spoolText, sweepSpool, takeSpool } from '../../src/bus/spool/spool.ts';
import { claimTopic, isReplyTopic, isRequestTopic, logTopic, parseClaimTopic } from '../../src/bus/topics.ts';
import { PendingCalls } from '../../src/link/pending-calls.ts';
import { until } from '../support/until.ts';
import { cleanUp, makeClaim, makeHome, onCleanUp, publishPacket } from './helpers.ts';

afterEach(cleanUp);

describe('topics', () => {
  it('are built and parsed, and contain no foreign level', () => {
    expect(claimTopic('r', 'job-1')).toBe('mam/v1/r/claims/job-1');
    expect(parseClaimTopic('r', 'mam/v1/r/claims/job-1')).toBe('job-1');
    expect(logTopic('r', 'h', 'j')).toBe('mam/v1/r/hosts/h/jobs/j/log');
    for (const bad of ['a/b', '+', '#', '', 'A', 'a'.repeat(65), '..', 'a\0']) {
      expect(() => claimTopic('r', bad)).toThrow(/cannot become part of an MQTT topic/);
      expect(parseClaimTopic('r', `mam/v1/r/claims/${bad}`)).toBeUndefined();
    }
    expect(isRequestTopic('r', 'mam/v1/r/hosts/h/requests')).toBe(true);
    expect(isRequestTopic('r', 'mam/v1/r/hosts/h/requests/x')).toBe(false);
    expect(isReplyTopic('r', 'mam/v1/r/clients/c/replies')).toBe(true);
    expect(isReplyTopic('r', 'mam/v1/r/hosts/h/jobs/j/log')).toBe(false);
    expect(isReplyTopic('r', 'mam/v1/r/clients/a/b/replies')).toBe(false);
  });
});

describe('the frame guard', () => {
  const frames = Buffer.concat([
    generate({ cmd: 'pingreq' }),
    generate(publishPacket(1, 'a', 'x'.repeat(300))),
    generate(publishPacket(2, 'a', 'y'.repeat(70_000))),
    generate({ cmd: 'disconnect' }),
  ]);

  it('lets valid frames pass, however they are split', () => {
    for (const size of [1, 2, 3, 7, 64, 1000, frames.length]) {
      const check = frameChecker();
      const refused: number[] = [];
      // An assertion for each of so many pieces would take seconds.
      for (let at = 0; at < frames.length; at += size) {
        if (check(frames.subarray(at, at + size)) !== true) refused.push(at);
      }
      expect(refused, `pieces of ${size}`).toEqual([]);
    }
  });

  it('detects a large or malformed one immediately', () => {
    const large = generate(publishPacket(3, 'a', 'z'.repeat(200_000))).subarray(0, 5);
    expect(frameChecker()(Buffer.concat([frames, large]))).toBe(false);
    expect(frameChecker()(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });
});

describe('the spool', () => {
  it('is swept of what nobody has taken for a day, except for what a kept event names', async () => {
    const home = makeHome();
    const [fresh, old, kept] = [
      await spoolText(home, 'x'),
      await spoolText(home, 'x'),
      await spoolText(home, 'x'),
    ];
    const past = Date.now() / 1000 - 90_000;
    for (const path of [old, kept]) utimesSync(path, past, past);
    mkdirSync(join(home, 'outbox'), { recursive: true });
    writeFileSync(join(home, 'outbox', 'w-1.json'), JSON.stringify({ result_spool: kept }));
    sweepSpool(home);
    expect([fresh, old, kept].map((path) => existsSync(path))).toEqual([true, false, true]);
  });

  it('and the outbox are swept of what was being written a day ago', () => {
    const home = makeHome();
    const past = Date.now() / 1000 - 90_000;
    const files = ['outbox', 'spool'].flatMap((folder) =>
      ['.w.job-1-000000001.json.tmp', '.w.job-1-000000002.json.tmp'].map((name, place) => {
        mkdirSync(join(home, folder), { recursive: true });
        const path = join(home, folder, name);
        writeFileSync(path, '');
        if (place === 0) utimesSync(path, past, past);
        return path;
      }),
    );
    // A folder of such a name is nobody's.
    const folder = join(home, 'outbox', '.mine.tmp');
    mkdirSync(folder);
    utimesSync(folder, past, past);
    sweepSpool(home);
    expect([...files, folder].map((path) => existsSync(path))).toEqual([false, true, false, true, true]);
  });

  it('hands a text over in a private file', async () => {
    const home = makeHome();
    const text = 'ä'.repeat(100_000);
    const path = await spoolText(home, text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await takeSpool(home, path)).toBe(text);
    await dropSpool(home, path);
    await expect(takeSpool(home, path)).rejects.toMatchObject({ code: 'not_found' });
    expect(readdirSync(join(home, 'spool'))).toEqual([]);
  });

  it('accepts nothing from elsewhere', async () => {
    const home = makeHome();
    const path = await spoolText(home, 'x');
    const secret = join(home, 'secret');
    writeFileSync(secret, 'secret');
    const link = path.replace(/[0-9a-z]{4}\.txt$/, 'ffff.txt');
    symlinkSync(secret, link);
    for (const bad of [secret, link, `${home}/spool/../secret`, '/etc/passwd', `${path}/`, 'x.txt']) {
      await expect(takeSpool(home, bad)).rejects.toMatchObject({ code: 'bad_input' });
    }
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });
});

describe('watching the outbox', () => {
  it('notices a new file, and ends', async () => {
    const folder = outboxFolder(makeHome());
    let changes = 0;
    onCleanUp(watchOutbox(folder, () => changes++));
    await keepInOutbox(folder, 'w', makeClaim('a'));
    await until('heard', () => changes > 0);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'w.a-000000001.json')).mode & 0o777).toBe(0o600);
  });
});

it('says of a command that was sent but not answered that it may be carried out, and of no other', async () => {
  const refusal = (sends: boolean, command: 'cancel' | 'status') =>
    new PendingCalls({
      replyTo: 'r',
      send: () => sends,
      explain: () => new MamError('unavailable', 'No answer.', 'Try again.'),
    })
      .request(command, { job_id: 'job' }, 1)
      .catch((error: MamError) => error.text);
  expect(await refusal(true, 'cancel')).toContain('The command may have been carried out, or may still be.');
  expect(await refusal(false, 'cancel')).toBe('No answer. Try again.');
  expect(await refusal(true, 'status')).toBe('No answer. Try again.');
});
