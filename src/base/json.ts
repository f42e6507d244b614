import { orElse } from './or-else.ts';

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** True for an object in which all of these fields are texts. */
export function hasTexts(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  return isObject(value) && names.every((name) => isText(value[name]));
}

/** True for an object in which each of these fields is a text or absent. */
export function mayHaveTexts(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => value[name] === undefined || isText(value[name]));
}

/** The value of a JSON text; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  return orElse(() => JSON.parse(text), undefined);
}

/** The fields of a JSON object; empty if the text is anything else. */
export function parseObject(text: string): Record<string, unknown> {
  return fieldsOf(parseJson(text));
}

/** The fields of an object; none if the value is anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
