import { type Databases, type NamedDatabase, parseDatabaseUrl } from '../domain/database-address.ts';
import { UserError } from '../domain/errors.ts';
import { secret } from '../domain/redaction.ts';
import { readProblem, readText } from '../files/read-text.ts';

/** Matches `cell1 mysql+pymysql://...`; the name is optional. */
const LINE = /^(?:(?<name>[\w.-]+)\s+)?(?<url>[\w+]+:\/\/.*)$/;

/**
 * Reads the URLs of Nova's databases, one per line: the API database first, then the cells. Ignores comments (#) and
 * empty lines.
 *
 * @throws UserError with the line number, never with the password
 */
export function readDatabaseUrlsFile(path: string): Databases {
  const found = readText(path);
  if (found.kind !== 'text')
    throw new UserError(`checks.database_urls_file ${path} ${readProblem(found)}; specify a readable file`);
  const lines = found.text.split(/\r?\n/).flatMap((text, index) => {
    const line = text.trim();
    return line === '' || line.startsWith('#') ? [] : [{ line, number: index + 1 }];
  });
  const databases: NamedDatabase[] = [];
  const names = new Set<string>();
  for (const { line, number } of lines) {
    const error = (problem: string) => new UserError(`${path}:${number}: ${problem}`);
    const { name, url = line } = LINE.exec(line)?.groups ?? {};
    const parsed = parseDatabaseUrl(url);
    if (parsed.type !== 'ok') throw error(`this line ${parsed.problem}`);
    if (databases.length === 0 && name !== undefined)
      throw error('the first URL is that of the API database; remove the name before it');
    const database = { name: name ?? parsed.value.database, address: parsed.value };
    if (databases.length > 0 && names.has(database.name))
      throw error('another cell above has the same name; put a different name before the URL');
    if (databases.length > 0) names.add(database.name);
    databases.push(database);
  }
  const [api, ...cells] = databases;
  const [first] = lines;
  if (api === undefined || first === undefined)
    throw new UserError(
      `${path} contains no URL; add that of the API database ([api_database] connection in nova.conf)`,
    );
  return { api: api.address, apiUrl: secret(first.line), cells };
}
