import { parseConfigFile } from '../../src/settings/config-file.ts';

/** What the program says of a configuration that it refuses. */
export function refusalOf(config: string): string {
  try {
    parseConfigFile('config.json', config);
  } catch (error) {
    return (error as { text: string }).text;
  }
  return '';
}
