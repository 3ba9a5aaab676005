"""What the examples must answer: their input loaded into SQLite (or DuckDB), and each SELECT of each example in a SQL
that both understand.

Timestamps are held as milliseconds since 1970 and shown as text by `timestamp`; the rest is as in the input. Each
query is (sql, kinds): the kinds of its columns are s text, i integer, f double, t timestamp. Every query has a total
order, so results are compared row by row.
"""

import csv
import datetime
import glob
import gzip
import json
import math
import os
import sqlite3

EPOCH = datetime.datetime(1970, 1, 1)


def milliseconds(text):
    delta = datetime.datetime.fromisoformat(text.replace("T", " ").rstrip("Z")) - EPOCH
    return delta.days * 86400000 + delta.seconds * 1000 + delta.microseconds // 1000


def timestamp(ms):
    return (EPOCH + datetime.timedelta(milliseconds=ms)).isoformat(" ", "milliseconds")


class Deviation:
    """STDDEV (of a sample) for SQLite: exact sums of the values' exact fractions of two."""

    def __init__(self):
        self.values = []

    def step(self, value):
        if value is not None:
            self.values.append(value)

    def finalize(self):
        n = len(self.values)
        if n < 2:
            return None
        mean = math.fsum(self.values) / n
        return math.sqrt(math.fsum((v - mean) ** 2 for v in self.values) / (n - 1))


def open_sqlite():
    db = sqlite3.connect(":memory:")
    db.execute("PRAGMA case_sensitive_like = ON")
    db.create_aggregate("STDDEV", 1, Deviation)
    return db


def load_json(db, table, columns, pattern):
    db.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
    for path in sorted(glob.glob(pattern)):
        opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
        with opened as lines:
            rows = []
            for line in lines:
                record = json.loads(line)
                rows.append([milliseconds(record[c]) if c in ("ts", "event_time") else record.get(c)
                             for c in columns])
            db.executemany(statement, rows)


CONVERT = {"INT": int, "DOUBLE": float, "STRING": str, "TIMESTAMP": milliseconds}


def load_csv(db, table, schema, path, null):
    db.execute(f'CREATE TABLE {table} ({", ".join(name for name, _ in schema)})')
    with open(path, newline="") as file:
        reader = csv.reader(file)
        next(reader)
        db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(schema))})",
                       ([None if v == null else CONVERT[kind](v) for v, (_, kind) in zip(row, schema)]
                        for row in reader))


def columns(text):
    """'a b INT, c DOUBLE' is [(a, INT), (b, INT), (c, DOUBLE)]."""
    result = []
    for group in text.split(","):
        *names, kind = group.split()
        result += [(name, kind) for name in names]
    return result


# ---- web_attack.sql ----

REQUESTS = r"""
SELECT ts, ip, status, bytes, latency_ms, CASE
  WHEN r LIKE '%union%select%' OR r LIKE '%'' or ''%' OR r LIKE '%drop table%' OR r LIKE '%sleep(%'
    THEN 'sql injection'
  WHEN instr(r, '<script') > 0 OR instr(r, '%3cscript') > 0 OR instr(r, 'onerror=') > 0
    OR instr(r, 'javascript:') > 0 THEN 'xss'
  WHEN instr(r, '../') > 0 OR instr(r, '..\') > 0 OR instr(r, '..%2f') > 0 THEN 'path traversal'
  WHEN path LIKE '/upload%' AND (instr(r, '.php') > 0 OR instr(r, '.jsp') > 0) THEN 'web shell'
  WHEN method = 'POST' AND (path = '/wp-login.php' OR path = '/login' AND status = 401) THEN 'brute force'
  WHEN path IN ('/.env', '/.git/config', '/phpmyadmin/index.php', '/actuator/health', '/server-status')
    OR user_agent LIKE 'Nikto%' THEN 'scanner'
  END AS attack
FROM (SELECT *, lower(path || '?' || coalesce(query, '')) AS r FROM access_log)
"""

WEB_ATTACK = [
    ("""SELECT q.ts - q.ts % 60000 AS window_start, q.attack, r.category, COUNT(*) AS attacks,
               COUNT(DISTINCT q.ip), SUM(q.bytes), AVG(r.score), MAX(q.latency_ms)
        FROM requests q JOIN risk_ips r ON q.ip = r.ip WHERE q.attack IS NOT NULL
        GROUP BY 1, 2, 3 ORDER BY attacks DESC, 1, 2, 3 LIMIT 20""", "tssiiifi"),
    ("""SELECT q.attack, COALESCE(r.category, 'unlisted') AS category, COUNT(*) AS attacks, COUNT(DISTINCT q.ip),
               COUNT(*) FILTER (WHERE q.status < 400), AVG(r.score)
        FROM requests q LEFT JOIN risk_ips r ON q.ip = r.ip WHERE q.attack IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2""", "ssiiif"),
]


def load_web_attack(db, folder):
    load_json(db, "access_log", ["ts", "ip", "host", "path", "query", "method", "status", "bytes", "latency_ms",
                                 "user_agent", "referer"], os.path.join(folder, "access-*"))
    load_csv(db, "risk_ips", columns("ip category STRING, score DOUBLE, first_seen STRING"),
             os.path.join(folder, "risk_ips.csv"), None)
    db.execute("CREATE VIEW requests AS " + REQUESTS)


# ---- ysb.sql ----

YSB = [("""SELECT a.campaign_id, e.event_time - e.event_time % 10000 AS w, COUNT(*), MAX(e.event_time)
           FROM events e JOIN ads a ON e.ad_id = a.ad_id WHERE e.event_type = 'view'
           GROUP BY 1, 2 ORDER BY 2, 1""", "stit")]


def load_ysb(db, folder):
    load_json(db, "events", ["user_id", "page_id", "ad_id", "ad_type", "event_type", "event_time", "ip_address"],
              os.path.join(folder, "events-*"))
    load_csv(db, "ads", columns("ad_id campaign_id STRING"), os.path.join(folder, "ads.csv"), None)


# ---- flights.sql ----

FLIGHT_TABLES = {
    "flights": columns("year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay INT, "
                       "carrier STRING, flight INT, tailnum origin dest STRING, air_time distance hour minute INT, "
                       "time_hour TIMESTAMP"),
    "airlines": columns("carrier name STRING"),
    "airports": columns("faa name STRING, lat lon DOUBLE, alt tz INT, dst tzone STRING"),
    "planes": columns("tailnum STRING, year INT, type manufacturer model STRING, engines seats speed INT, "
                      "engine STRING"),
    "weather": columns("origin STRING, year month day hour INT, temp dewp humid DOUBLE, wind_dir INT, "
                       "wind_speed wind_gust precip pressure visib DOUBLE, time_hour TIMESTAMP"),
}

FLIGHTS = [
    ("""SELECT a.name, COUNT(*), COUNT(DISTINCT f.tailnum), COUNT(DISTINCT f.dest),
               COUNT(*) FILTER (WHERE f.dep_time IS NULL), COUNT(*) FILTER (WHERE f.arr_delay > 60),
               AVG(CAST(f.arr_delay AS DOUBLE)) AS mean, STDDEV(CAST(f.arr_delay AS DOUBLE)), MAX(f.arr_delay)
        FROM flights f JOIN airlines a ON f.carrier = a.carrier
        GROUP BY a.name HAVING COUNT(*) >= 500 ORDER BY mean DESC""", "siiiiiffi"),
    ("""SELECT manufacturer, age, COUNT(*), SUM(distance), AVG(CAST(dep_delay AS DOUBLE))
        FROM (SELECT p.manufacturer, f.distance, f.dep_delay,
                     CASE WHEN p.year IS NULL THEN 'unknown' WHEN f.year - p.year < 5 THEN 'under 5 years'
                          WHEN f.year - p.year < 15 THEN '5 to 14 years' ELSE '15 years and more' END AS age
              FROM flights f JOIN planes p ON f.tailnum = p.tailnum) x
        GROUP BY manufacturer, age HAVING COUNT(*) >= 1000 ORDER BY 1, 2""", "ssiif"),
    ("""SELECT sight, wind, COUNT(*), COUNT(*) - COUNT(dep_delay), AVG(CAST(dep_delay AS DOUBLE)), MAX(precip)
        FROM (SELECT f.dep_delay, w.precip,
                     CASE WHEN w.visib IS NULL THEN 'no report' WHEN w.visib < 1 THEN 'fog'
                          WHEN w.visib < 5 THEN 'hazy' ELSE 'clear' END AS sight,
                     CASE WHEN w.wind_speed >= 25 THEN 'gale' WHEN w.wind_speed >= 12 THEN 'windy'
                          ELSE 'calm' END AS wind
              FROM flights f LEFT JOIN weather w ON f.origin = w.origin AND f.month = w.month AND f.day = w.day
                                                AND f.hour = w.hour) x
        GROUP BY sight, wind ORDER BY 1, 2""", "ssiiff"),
    ("""SELECT f.dest, ap.name, COUNT(*), AVG(CAST(f.arr_delay AS DOUBLE)) AS mean, MIN(f.distance)
        FROM flights f LEFT JOIN airports ap ON f.dest = ap.faa
        GROUP BY f.dest, ap.name HAVING COUNT(f.arr_delay) >= 100 ORDER BY mean DESC LIMIT 10""", "ssifi"),
    ("""SELECT carrier, origin, COUNT(*) AS n, COUNT(DISTINCT tailnum), MAX(air_time)
        FROM flights WHERE tailnum IN (SELECT tailnum FROM planes WHERE seats >= 300)
        GROUP BY carrier, origin ORDER BY n DESC, 1, 2""", "ssiii"),
    ("""SELECT carrier, COUNT(*), COUNT(DISTINCT tailnum), MIN(time_hour)
        FROM flights f WHERE tailnum IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum)
        GROUP BY carrier ORDER BY 1""", "siit"),
    ("""SELECT w, w + 10800000, COUNT(*) AS n, AVG(CAST(dep_delay AS DOUBLE))
        FROM (SELECT time_hour - time_hour % 3600000 - k * 3600000 AS w, dep_delay
              FROM flights CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2) x) y
        GROUP BY w ORDER BY n DESC, w LIMIT 10""", "ttif"),
]


def load_flights(db, folder):
    for table, schema in FLIGHT_TABLES.items():
        load_csv(db, table, schema, os.path.join(folder, table + ".csv"), "NA")
    db.execute("CREATE INDEX by_hour ON weather (month, day, hour, origin)")
    db.execute("CREATE INDEX by_tail ON planes (tailnum)")


def open_duckdb_flights(duckdb, folder):
    """The flights in DuckDB, which reads the files by itself; a second opinion that shares no code with SQLite."""
    kinds = {"INT": "INTEGER", "DOUBLE": "DOUBLE", "STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMP"}
    db = duckdb.connect()
    for table, schema in FLIGHT_TABLES.items():
        items = [f"epoch_ms({name}) AS {name}" if kind == "TIMESTAMP" else name for name, kind in schema]
        types = ", ".join(f"'{name}': '{kinds[kind]}'" for name, kind in schema)
        path = os.path.join(folder, table + ".csv").replace("'", "''")
        db.execute(f"CREATE TABLE {table} AS SELECT {', '.join(items)} FROM read_csv('{path}', header = true, "
                   f"nullstr = 'NA', auto_detect = false, delim = ',', quote = '\"', columns = {{{types}}})")
    return db


def answer(db, queries):
    """The rows of each query, timestamps as text."""
    results = []
    for sql, kinds in queries:
        rows = db.execute(sql).fetchall()
        results.append([[timestamp(v) if k == "t" and v is not None else v for v, k in zip(row, kinds)]
                        for row in rows])
    return results
