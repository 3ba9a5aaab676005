-- Web attacks: an access log as JSON lines, some of it gzip'd, joined with a list of high-risk addresses.
-- Which attacks come from listed addresses, minute by minute?
--
--   build/release/examples/make_weblog examples/data/weblog     # 2 million lines, a few seconds
--   build/release/weir run examples/web_attack.sql
--
-- A relative 'path' is relative to the folder of this file, wherever weir is started from.

CREATE TABLE access_log (
    ts          TIMESTAMP(3),           -- begin of the request
    ip          STRING,
    host        STRING,
    path        STRING,
    query       STRING,                 -- NULL without a query
    `method`    STRING,
    status      INT,
    bytes       BIGINT,
    latency_ms  INT,
    user_agent  STRING,
    referer     STRING,
    request AS LOWER(path || '?' || COALESCE(query, '')),
    WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH (
    'connector' = 'filesystem',
    'path' = 'data/weblog/access-*.json*',
    'format' = 'json'
);

CREATE TABLE risk_ips (
    ip          STRING,
    category    STRING,
    score       DOUBLE,                 -- 0 to 100
    first_seen  DATE
) WITH (
    'connector' = 'filesystem',
    'path' = 'data/weblog/risk_ips.csv',
    'format' = 'csv',
    'csv.header' = 'true'
);

CREATE VIEW requests AS
SELECT ts, ip, status, bytes, latency_ms,
       CASE
         WHEN request LIKE '%union%select%' OR request LIKE '%'' or ''%' OR request LIKE '%drop table%'
           OR request LIKE '%sleep(%' THEN 'sql injection'
         WHEN request LIKE '%<script%' OR request LIKE '%\%3cscript%' ESCAPE '\' OR request LIKE '%onerror=%'
           OR request LIKE '%javascript:%' THEN 'xss'
         WHEN request LIKE '%../%' OR request LIKE '%..\%' ESCAPE '|' OR request LIKE '%..\%2f%' ESCAPE '\'
           THEN 'path traversal'
         WHEN path LIKE '/upload%' AND (request LIKE '%.php%' OR request LIKE '%.jsp%') THEN 'web shell'
         WHEN `method` = 'POST' AND (path = '/wp-login.php' OR path = '/login' AND status = 401)
           THEN 'brute force'
         WHEN path IN ('/.env', '/.git/config', '/phpmyadmin/index.php', '/actuator/health', '/server-status')
           OR user_agent LIKE 'Nikto%' THEN 'scanner'
       END AS attack
FROM access_log;

-- The twenty worst minutes.
SELECT w.window_start, w.attack, r.category,
       COUNT(*)             AS attacks,
       COUNT(DISTINCT w.ip) AS addresses,
       SUM(w.bytes)         AS bytes,
       AVG(r.score)         AS score,
       MAX(w.latency_ms)    AS max_ms
FROM TABLE(TUMBLE(TABLE requests, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS w
JOIN risk_ips AS r ON w.ip = r.ip
WHERE w.attack IS NOT NULL
GROUP BY w.window_start, w.window_end, w.attack, r.category
ORDER BY attacks DESC, window_start, attack, category
LIMIT 20;

-- The whole day by kind of attack; an address that is not on the list counts as 'unlisted'.
SELECT q.attack,
       COALESCE(r.category, 'unlisted') AS category,
       COUNT(*)                         AS attacks,
       COUNT(DISTINCT q.ip)             AS addresses,
       COUNT(*) FILTER (WHERE q.status < 400) AS let_through,
       AVG(r.score)                     AS score
FROM requests AS q
LEFT JOIN risk_ips AS r ON q.ip = r.ip
WHERE q.attack IS NOT NULL
GROUP BY q.attack, COALESCE(r.category, 'unlisted')
ORDER BY attack, attacks DESC, category;
