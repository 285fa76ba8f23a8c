import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readDatabaseUrlsFile } from '../../../src/config/database-file.ts';
import { databaseText } from '../../../src/domain/database-address.ts';
import { UserError } from '../../../src/domain/errors.ts';
import { makePlace } from '../../support/config-place.ts';
import { DATABASE_FILE_MISTAKES } from './mistakes/database-file.ts';

function withFile<T>(text: string | null, use: (file: string) => T): T {
  const place = makePlace({ files: text === null ? {} : { 'work/databases': text } });
  try {
    return use(place.fill('DIR/work/databases'));
  } finally {
    place.clear();
  }
}

function errorOf(text: string | null): { readonly message: string; readonly exitCode: number } {
  return withFile(text, (file) => {
    try {
      readDatabaseUrlsFile(file);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { message: error.message.replaceAll(file, 'FILE'), exitCode: error.exitCode };
    }
    return { message: 'no error', exitCode: 0 };
  });
}

describe('the file of database URLs', () => {
  it('lists the API database and the cells, which are named after their database by default', () => {
    const text = [
      '# read-only',
      '',
      'mysql+pymysql://look:s3cr3t-pw@10.0.0.5/nova_api?charset=utf8',
      '  cell0 mysql+pymysql://look:s3cr3t-pw@10.0.0.5/nova_cell0\r',
      'mysql+pymysql://look:s3cr3t-pw@[fd00::7]:3307/nova',
    ].join('\n');
    const read = withFile(text, readDatabaseUrlsFile);
    expect(databaseText(read.api)).toBe('nova_api on 10.0.0.5:3306');
    expect(read.cells.map(({ name, address }) => `${name}: ${databaseText(address)}`)).toEqual([
      'cell0: nova_cell0 on 10.0.0.5:3306',
      'nova: nova on [fd00::7]:3307',
    ]);
    expect(read.apiUrl.reveal()).toBe('mysql+pymysql://look:s3cr3t-pw@10.0.0.5/nova_api?charset=utf8');
    expect(inspect(read, { depth: null }) + JSON.stringify(read)).not.toContain('s3cr3t');
  });

  it.each(DATABASE_FILE_MISTAKES)('is rejected in one line, with exit code 2: $name', ({ text, message }) => {
    expect(errorOf(text)).toEqual({ message, exitCode: 2 });
    expect(message).not.toMatch(/\n|s3cr3t/);
  });

  it('is rejected if it does not exist', () => {
    expect(errorOf(null)).toEqual({
      message: 'checks.database_urls_file FILE does not exist; specify a readable file',
      exitCode: 2,
    });
  });
});
