/** A mistake in a file of database URLs and the exact error message for it. */
export type DatabaseFileMistake = { readonly name: string; readonly text: string; readonly message: string };

const GOOD = 'mysql+pymysql://nova:s3cr3t-pw@10.0.0.5/nova_api?charset=utf8';
const CELL = GOOD.replace('nova_api', 'nova_cell1');
const EXAMPLE = 'mysql+pymysql://user:password@host:3306/nova_api?charset=utf8';

export const DATABASE_FILE_MISTAKES: readonly DatabaseFileMistake[] = [
  {
    name: 'only a comment',
    text: '# later\n\n',
    message: 'FILE contains no URL; add that of the API database ([api_database] connection in nova.conf)',
  },
  {
    name: 'a line of nova.conf instead of a URL',
    text: `connection = ${GOOD}\n`,
    message: `FILE:1: this line is not a database URL such as ${EXAMPLE}`,
  },
  {
    name: 'PostgreSQL',
    text: `${GOOD}\n\npostgresql://nova:s3cr3t-pw@10.0.0.5/nova_cell1\n`,
    message: `FILE:3: this line is a PostgreSQL URL; only MySQL and MariaDB are supported: ${EXAMPLE}`,
  },
  {
    name: 'another database',
    text: 'sqlite:///nova.sqlite\n',
    message: `FILE:1: this line does not start with mysql or mariadb, as in ${EXAMPLE}`,
  },
  {
    name: 'an invalid port',
    text: '# the API\nmysql://nova:s3cr3t-pw@10.0.0.5:99999/nova_api\n',
    message: `FILE:2: this line has an invalid port; it must be a number from 1 to 65535, as in ${EXAMPLE}`,
  },
  {
    name: 'a password with a slash and no @ after it',
    text: 'mysql://nova:s3cr3t-pw/nova_api\n',
    message: `FILE:1: this line has an invalid port; it must be a number from 1 to 65535, as in ${EXAMPLE}`,
  },
  {
    name: 'no database in the URL',
    text: `${GOOD}\nmysql://nova:s3cr3t-pw@10.0.0.5/?charset=utf8\n`,
    message: `FILE:2: this line has no database name; add it after the host, as in ${EXAMPLE}`,
  },
  {
    name: 'a name on the first line',
    text: `cell1 ${CELL}\n`,
    message: 'FILE:1: the first URL is that of the API database; remove the name before it',
  },
  {
    name: 'two cells of the same name',
    text: `${GOOD}\n${CELL}\n${CELL.replace('10.0.0.5', '10.0.0.6')}\n`,
    message: 'FILE:3: another cell above has the same name; put a different name before the URL',
  },
];
