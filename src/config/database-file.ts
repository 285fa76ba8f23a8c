import { type Databases, type NamedDatabase, parseDatabaseUrl } from '../domain/database-address.ts';
import { secret } from '../domain/secret.ts';
import { Refusal } from '../domain/user-error.ts';
import { problemOf, readText } from '../files/read-text.ts';

/** `cell1 mysql+pymysql://...`: the name may be left out. */
const LINE = /^(?:(?<name>[\w.-]+)\s+)?(?<url>[\w+]+:\/\/.*)$/;

/**
 * The file with the addresses of Nova's databases, one a line: the API's first, then the cells'. Comments (#) and empty lines
 * may stand in it. Throws a Refusal with the line, and without the password.
 */
export function readDatabaseFile(path: string): Databases {
  const found = readText(path);
  if (found.kind !== 'text')
    throw new Refusal(`checks.database_file ${path} ${problemOf(found)}; name a file that can be read`);
  const lines = found.text.split(/\r?\n/).flatMap((text, index) => {
    const line = text.trim();
    return line === '' || line.startsWith('#') ? [] : [{ line, number: index + 1 }];
  });
  const databases: NamedDatabase[] = [];
  const names = new Set<string>();
  for (const { line, number } of lines) {
    const refuse = (problem: string) => new Refusal(`${path}:${number}: ${problem}`);
    const { name, url = line } = LINE.exec(line)?.groups ?? {};
    const parsed = parseDatabaseUrl(url);
    if (parsed.type !== 'ok') throw refuse(`what stands here ${parsed.problem}`);
    if (databases.length === 0 && name !== undefined)
      throw refuse(`the first address is the API database's; write it without a name before it`);
    const one = { name: name ?? parsed.value.database, address: parsed.value };
    if (databases.length > 0 && names.has(one.name))
      throw refuse('another cell above has the same name; write another name before the address');
    if (databases.length > 0) names.add(one.name);
    databases.push(one);
  }
  const [api, ...cells] = databases;
  const [first] = lines;
  if (api === undefined || first === undefined)
    throw new Refusal(
      `${path} holds no address; write that of the API database, [api_database]connection of nova.conf`,
    );
  return { api: api.address, apiUrl: secret(first.line), cells };
}
