//! A real database under an alias, as a web application has it: MariaDB, a client in Python,
//! and the database's restart with another address.

use minet_tests::{TestHost, eventually};

/// A server on a temporary directory. Its own network takes care of who may come.
const SERVER: &str = "
    mkdir -p /run/db/data
    chown -R mysql:mysql /run/db
    test -d /run/db/data/mysql || mariadb-install-db --no-defaults --user=mysql \
        --datadir=/run/db/data --auth-root-authentication-method=normal \
        --skip-test-db >/run/db/install.log 2>&1
    printf \"CREATE USER IF NOT EXISTS app@'%%' IDENTIFIED BY 'secret';
        GRANT ALL ON *.* TO app@'%%';\\n\" >/run/db/init.sql
    exec mariadbd --no-defaults --user=mysql --datadir=/run/db/data --socket=/run/db/socket \
        --pid-file=/run/db/pid --bind-address=0.0.0.0 --skip-name-resolve \
        --innodb-buffer-pool-size=8M --innodb-log-file-size=4M --init-file=/run/db/init.sql";

/// A program that runs all the time, as a blog's does; when its connection breaks, it makes
/// another. It says where it is connected, and when it is not.
const CLIENT: &str = "
import pymysql, time
connection, told = None, None
while True:
    try:
        if connection is None:
            connection = pymysql.connect(host='mysql', user='app', password='secret',
                connect_timeout=3, read_timeout=3, autocommit=True)
        cursor = connection.cursor()
        cursor.execute('SELECT text FROM blog.post')
        now = cursor.fetchone()[0] + ' from ' + connection._sock.getpeername()[0]
    except Exception as error:
        connection, now = None, 'not connected'
    if now != told:
        print(now, flush=True)
    told = now
    time.sleep(0.05)";

fn query(host: &TestHost, sql: &str) -> Option<String> {
    let script = format!(
        "import pymysql
connection = pymysql.connect(host='mysql', user='app', password='secret', connect_timeout=3, autocommit=True)
cursor = connection.cursor()
for statement in '''{sql}'''.split(';'):
    cursor.execute(statement)
print(cursor.fetchall(), connection.host, connection._sock.getpeername()[0])"
    );
    let asked = host.minet(["exec", "blog", "python3", "-c", &script]);
    (asked.code() == 0).then(|| asked.succeed())
}

#[test]
fn a_blog_finds_its_database_before_and_after_its_move() {
    let host = TestHost::new();
    host.sh("mkdir -p /run/db").succeed();
    host.minet([
        "run",
        "-d",
        "--name",
        "blog",
        "--link",
        "db001:mysql database",
        "--",
        "sleep",
        "1000",
    ])
    .succeed();
    host.minet([
        "run",
        "-d",
        "--name",
        "db001",
        "--ip",
        "172.17.0.50",
        "--cap-add",
        "ALL",
        "--",
        "sh",
        "-euc",
        SERVER,
    ])
    .succeed();
    let make = "CREATE DATABASE blog; CREATE TABLE blog.post (text TEXT); INSERT INTO blog.post VALUES ('hello'); SELECT text FROM blog.post";
    eventually("the database", || query(&host, "SELECT 1").is_some());
    let told = query(&host, make).expect("an answer");
    assert!(
        told.contains("hello") && told.ends_with("172.17.0.50"),
        "{told}"
    );

    let mut client = host.spawn_minet(["exec", "blog", "python3", "-c", CLIENT]);
    client.wait_for("hello from 172.17.0.50");
    host.minet("stop -t 15 db001").succeed();
    assert!(query(&host, "SELECT 1").is_none());
    client.wait_for("not connected");
    host.minet("rm db001").succeed();
    // The old address is somebody else's, who is not to be taken for it.
    host.leave("--name other --ip 172.17.0.50", "exec sleep 1000");
    host.minet([
        "run",
        "-d",
        "--name",
        "db001",
        "--ip",
        "172.17.0.60",
        "--cap-add",
        "ALL",
        "--",
        "sh",
        "-euc",
        SERVER,
    ])
    .succeed();
    eventually("the database, elsewhere", || {
        query(&host, "SELECT 1").is_some()
    });
    let told = query(&host, "SELECT text FROM blog.post").expect("an answer");
    assert!(
        told.contains("hello") && told.ends_with("172.17.0.60"),
        "{told}"
    );
    client.wait_for("hello from 172.17.0.60");
    let told = client.stdout();
    assert_eq!(told.matches("hello").count(), 2, "{told}");
}
