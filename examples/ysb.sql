-- The Yahoo Streaming Benchmark: which campaigns do the viewed ads belong to, in windows of ten seconds?
--
--   build/release/examples/make_ysb examples/data/ysb           # 1 million events, 100 campaigns of 10 ads
--   build/release/weir run examples/ysb.sql
--
-- A relative 'path' is relative to the folder of this file, wherever weir is started from.

CREATE TABLE events (
    user_id     STRING,
    page_id     STRING,
    ad_id       STRING,
    ad_type     STRING,
    event_type  STRING,
    event_time  TIMESTAMP(3),
    ip_address  STRING,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
    'connector' = 'filesystem',
    'path' = 'data/ysb/events-*.json',
    'format' = 'json'
);

CREATE TABLE ads (
    ad_id        STRING,
    campaign_id  STRING
) WITH (
    'connector' = 'filesystem',
    'path' = 'data/ysb/ads.csv',
    'format' = 'csv',
    'csv.header' = 'true'
);

CREATE VIEW views AS
SELECT ad_id, event_time FROM events WHERE event_type = 'view';

SELECT a.campaign_id, v.window_start, COUNT(*) AS views, MAX(v.event_time) AS last_view
FROM TABLE(TUMBLE(TABLE views, DESCRIPTOR(event_time), INTERVAL '10' SECOND)) AS v
JOIN ads AS a ON v.ad_id = a.ad_id
GROUP BY a.campaign_id, v.window_start, v.window_end
ORDER BY window_start, campaign_id;
