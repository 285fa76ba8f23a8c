import { dirname } from 'node:path';
import { Refusal } from '../../domain/user-error.ts';
import { problemOf, readText } from '../../files/read-text.ts';
import { expandPath, type Host, variable } from '../host.ts';
import { keysAt } from './schema-keys.ts';
import { openStrictly, type StrictFile } from './strict-file.ts';

/** rollwatch.yaml. */
export type SettingsFile = StrictFile;

const NAME = 'rollwatch.yaml';

export function readSettingsFile(host: Host, configFile: string | undefined): SettingsFile {
  const named = configFile ?? variable(host, 'ROLLWATCH_CONFIG');
  const file = expandPath(named ?? NAME, { home: host.home, base: host.cwd });
  const found = readText(file);
  if (found.kind === 'absent' && named === null)
    return openStrictly({ file: null, name: NAME, folder: host.cwd, text: '', known: keysAt });
  if (found.kind !== 'text') {
    const whence = configFile !== undefined ? '--config' : named === null ? 'configuration' : 'ROLLWATCH_CONFIG';
    throw new Refusal(`${whence}: ${file} ${problemOf(found)}; name a file that can be read`);
  }
  return openStrictly({ file, folder: dirname(file), text: found.text, known: keysAt });
}
