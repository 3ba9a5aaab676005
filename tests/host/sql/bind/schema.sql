-- The tables of the binder's tests.
CREATE TABLE log (
  ts TIMESTAMP(3), ip STRING, status INT, bytes BIGINT, price DECIMAL(10, 2), ok BOOLEAN, d DATE,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'log.csv');

CREATE TABLE ips (ip STRING NOT NULL, risk INT NOT NULL, note VARCHAR(20)) WITH ('connector' = 'filesystem');

CREATE TABLE num (
  t TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, x DOUBLE, p DECIMAL(10, 2), q DECIMAL(20, 10),
  w DECIMAL(38, 0), v DECIMAL(38, 20), n INT NOT NULL
);

CREATE TABLE txt (c CHAR(4), v VARCHAR(10), s STRING, b BYTES, tm TIME, d DATE, ts TIMESTAMP(6), lz TIMESTAMP_LTZ(3));

CREATE TABLE comp (raw BIGINT, `at` TIMESTAMP(3), twice AS raw * 2, ts AS `at`, WATERMARK FOR ts AS ts);

CREATE TABLE sink (ip STRING, n BIGINT, p DECIMAL(12, 3) NOT NULL);

CREATE VIEW busy AS SELECT ip, COUNT(*) AS n FROM log GROUP BY ip;

CREATE VIEW renamed (a, b) AS SELECT ip, risk FROM ips;
