/** Time of day on this machine, such as `14:03:07.250`. @param iso ISO 8601 */
export function timeOfDay(iso: string): string {
  const at = new Date(iso);
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** Day and minute on this machine, such as `2026-11-22 14:03`. @param iso ISO 8601 */
export function dayAndTime(iso: string): string {
  const at = new Date(iso);
  const [year, month, day, hour, minute] = [
    ...[at.getFullYear(), at.getMonth() + 1, at.getDate()],
    ...[at.getHours(), at.getMinutes()],
  ].map((part) => String(part).padStart(2, '0'));
  // Without toTimeString, which loads the names of time zones.
  return `${year}-${month}-${day} ${hour}:${minute}`;
}

/** The day on this machine with its name, such as `Sunday, 2026-11-22`. @param iso ISO 8601 */
export function dayOf(iso: string): string {
  const name = new Date(iso).toLocaleDateString('en', { weekday: 'long' });
  return `${name}, ${dayAndTime(iso).slice(0, -6)}`;
}

/** Like `spanText`, but exact below a minute, such as `57 ms` or `3.4 s`. @param ms milliseconds */
export function fineSpanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : spanText(ms);
}

/** A span of time in its two largest units, such as `1m 12s`. @param ms milliseconds */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
