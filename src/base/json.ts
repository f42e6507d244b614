import { orElse } from './or-else.ts';

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a text that may be no JSON: then nothing. */
export function parseJson(text: string): unknown {
  return orElse(() => JSON.parse(text), undefined);
}

/** The fields of an object in JSON; none where the text is anything else. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  return isObject(value) ? value : {};
}
