import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellAddress,
  type DatabaseAddress,
  type DatabaseTls,
  databaseText,
  parseDatabaseUrl,
} from '../../../src/domain/database-address.ts';
import { secret } from '../../../src/domain/redaction.ts';

function read(url: string): DatabaseAddress {
  const parsed = parseDatabaseUrl(url);
  if (parsed.type !== 'ok') throw new Error(parsed.problem);
  return parsed.value;
}

const shortly = ({ user, password, ...address }: DatabaseAddress) =>
  `${user}:${password.reveal()} ${databaseText(address as DatabaseAddress)}`;

describe('parseDatabaseUrl', () => {
  it.each([
    ['mysql://nova:pw@db/nova', 'nova:pw nova on db:3306'],
    ['mysql+pymysql://nova:pw@10.0.0.5:3307/nova_api?charset=utf8', 'nova:pw nova_api on 10.0.0.5:3307'],
    ['mysql+mysqldb://nova:pw@[fd00::5]:3307/nova', 'nova:pw nova on [fd00::5]:3307'],
    ['mysql+mysqldb://nova:pw@[fd00::5]/nova', 'nova:pw nova on [fd00::5]:3306'],
    ['mariadb+pymysql://nova:pw@db/nova', 'nova:pw nova on db:3306'],
    ['mysql://no%40va:p%2Fw%3A%C3%A4@db/nova', 'no@va:p/w:ä nova on db:3306'],
    ['mysql://nova:100%@db/nova', 'nova:100% nova on db:3306'],
    ['mysql://nova:%ff@db/nova', 'nova:%ff nova on db:3306'],
    ['mysql://nova:a/b?c:d#e f@db/nova', 'nova:a/b?c:d#e f nova on db:3306'],
    ['mysql://nova:p@ss@w@db/nova', 'nova:p@ss@w nova on db:3306'],
    ['mysql://nova:pw+x@db/nova?ssl_ca=/a@b.pem', 'nova:pw+x nova on db:3306'],
    ['mysql://db/nova?ssl_ca=/a@b.pem', ': nova on db:3306'],
    ['mysql://nova@db:/nova', 'nova: nova on db:3306'],
    ['mysql://nova:pw@/nova?unix_socket=/run/mysqld.sock', 'nova:pw nova on /run/mysqld.sock'],
    ['mysql:///nova', ': nova on localhost:3306'],
  ])('%s is parsed', (url, expected) => {
    expect(shortly(read(url))).toBe(expected);
  });

  it('returns any user and password that were percent-encoded', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 65_535 }), (user, password, port) => {
        const url = `mysql+pymysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db:${port}/nova`;
        const address = read(url);
        expect([address.user, address.password.reveal(), address.port]).toEqual([user, password, port]);
      }),
    );
  });

  it('any other text is parsed or refused, and the refusal contains no part of the password', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parseDatabaseUrl(`mysql://nova:hunter2${text}`);
        if (parsed.type === 'refused') expect(parsed.problem).not.toContain('hunter2');
        else expect(parsed.value.database).not.toBe('');
      }),
    );
  });

  const none = { caFile: null, caFolder: null, certFile: null, keyFile: null, verify: false, verifyHost: false };
  it.each<[string, DatabaseTls | null]>([
    ['charset=utf8', null],
    ['ssl_ca=/ca.pem', { ...none, caFile: '/ca.pem', verify: true, verifyHost: true }],
    ['ssl_ca=/ca.pem&ssl_check_hostname=false', { ...none, caFile: '/ca.pem', verify: true }],
    ['ssl_ca=/ca.pem&ssl_verify_cert=true', { ...none, caFile: '/ca.pem', verify: true }],
    ['ssl_ca=/ca.pem&ssl_verify_cert=false', { ...none, caFile: '/ca.pem' }],
    ['ssl_capath=/certs', { ...none, caFolder: '/certs', verify: true, verifyHost: true }],
    ['ssl_verify_cert=true', { ...none, verify: true }],
    ['ssl_verify_identity=true', { ...none, verify: true, verifyHost: true }],
    ['ssl_cert=/c.pem&ssl_key=/k.pem', { ...none, certFile: '/c.pem', keyFile: '/k.pem' }],
    ['ssl_mode=REQUIRED', none],
    ['ssl_mode=VERIFY_CA&ssl_ca=/ca.pem', { ...none, caFile: '/ca.pem', verify: true }],
    ['ssl_mode=VERIFY_IDENTITY', { ...none, verify: true, verifyHost: true }],
    ['ssl_mode=PREFERRED', null],
    ['ssl_ca=/ca.pem&ssl_disabled=true', null],
  ])('the options %s set TLS', (query, expected) => {
    expect(read(`mysql+pymysql://nova:pw@db/nova?${query}`).tls).toEqual(expected);
  });
});

describe('cellAddress', () => {
  const api = secret('mysql+pymysql://no%40va:p%2Fw@DB.example:3307/nova_api?ssl_ca=/ca.pem');
  const filled = (template: string) => {
    const parsed = cellAddress(template, api);
    return parsed.type === 'ok' ? `${shortly(parsed.value)} ${parsed.value.tls?.caFile ?? 'clear'}` : parsed.problem;
  };

  it.each([
    ['mysql://cell:own@10.0.0.6/nova_cell1', 'cell:own nova_cell1 on 10.0.0.6:3306 clear'],
    [
      '{scheme}://{username}:{password}@{hostname}:{port}/nova_cell1?{query}',
      'no@va:p/w nova_cell1 on db.example:3307 /ca.pem',
    ],
    ['mysql://{username}:{password}@other/nova_cell2', 'no@va:p/w nova_cell2 on other:3306 clear'],
    [
      '{scheme}://{username}:{password}@{hostname}/{path}?{query}',
      'needs {path} from nova.conf, which is not known here; add the URLs of the cells to the file',
    ],
    [
      'mysql://{username1}:{password}@{hostname}/nova',
      'needs {username1} from nova.conf, which is not known here; add the URLs of the cells to the file',
    ],
    ['none', 'is not a database URL such as mysql+pymysql://user:password@host:3306/nova_api?charset=utf8'],
  ])('%s is filled in as by Nova', (template, expected) => {
    expect(filled(template)).toBe(expected);
  });
});
