/** One line of a file of databases that is wrong, and what is said of it. */
export type DatabaseFileMistake = { readonly name: string; readonly text: string; readonly message: string };

const GOOD = 'mysql+pymysql://nova:s3cr3t-pw@10.0.0.5/nova_api?charset=utf8';
const CELL = GOOD.replace('nova_api', 'nova_cell1');
const EXAMPLE = 'mysql+pymysql://user:password@host:3306/nova_api?charset=utf8';

export const DATABASE_FILE_MISTAKES: readonly DatabaseFileMistake[] = [
  {
    name: 'nothing in it but a comment',
    text: '# later\n\n',
    message: 'FILE holds no address; write that of the API database, [api_database]connection of nova.conf',
  },
  {
    name: 'a line of nova.conf instead of the address',
    text: `connection = ${GOOD}\n`,
    message: `FILE:1: what stands here is no address of a database; write one such as ${EXAMPLE}`,
  },
  {
    name: 'PostgreSQL',
    text: `${GOOD}\n\npostgresql://nova:s3cr3t-pw@10.0.0.5/nova_cell1\n`,
    message: `FILE:3: what stands here is an address of PostgreSQL, which is not supported; one of MySQL or MariaDB is: ${EXAMPLE}`,
  },
  {
    name: 'another database',
    text: 'sqlite:///nova.sqlite\n',
    message: `FILE:1: what stands here does not begin with mysql; write an address such as ${EXAMPLE}`,
  },
  {
    name: 'a port that is none',
    text: '# the API\nmysql://nova:s3cr3t-pw@10.0.0.5:99999/nova_api\n',
    message: `FILE:2: what stands here has a port that is no number from 1 to 65535; write an address such as ${EXAMPLE}`,
  },
  {
    name: 'a password with a slash and no @ behind it',
    text: 'mysql://nova:s3cr3t-pw/nova_api\n',
    message: `FILE:1: what stands here has a port that is no number from 1 to 65535; write an address such as ${EXAMPLE}`,
  },
  {
    name: 'no database in the address',
    text: `${GOOD}\nmysql://nova:s3cr3t-pw@10.0.0.5/?charset=utf8\n`,
    message: `FILE:2: what stands here names no database; write its name behind the host, as in ${EXAMPLE}`,
  },
  {
    name: 'a cell first',
    text: `cell1 ${CELL}\n`,
    message: "FILE:1: the first address is the API database's; write it without a name before it",
  },
  {
    name: 'two cells of one name',
    text: `${GOOD}\n${CELL}\n${CELL.replace('10.0.0.5', '10.0.0.6')}\n`,
    message: 'FILE:3: another cell above has the same name; write another name before the address',
  },
];
