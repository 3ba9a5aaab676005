-- The constructs of the Nexmark queries for Flink SQL (tables, views, functions, sinks, queries 0 to 22) in words
-- of our own: an auction site's stream of three kinds of events. 72 statements; all must parse.

SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '2 s';
SET 'table.exec.mini-batch.size' = '50000';
SET 'table.optimizer.distinct-agg.split.enabled' = 'true';

/* ---- sources ---- */

CREATE TABLE events_gen (
    event_type INT,
    person ROW<
        id BIGINT,
        name VARCHAR,
        emailAddress VARCHAR,
        creditCard VARCHAR,
        city VARCHAR,
        state VARCHAR,
        dateTime TIMESTAMP(3),
        extra VARCHAR>,
    auction ROW<
        id BIGINT,
        itemName VARCHAR,
        description VARCHAR,
        initialBid BIGINT,
        reserve BIGINT,
        dateTime TIMESTAMP(3),
        expires TIMESTAMP(3),
        seller BIGINT,
        category BIGINT,
        extra VARCHAR>,
    bid ROW<
        auction BIGINT,
        bidder BIGINT,
        price BIGINT,
        channel VARCHAR,
        url VARCHAR,
        dateTime TIMESTAMP(3),
        extra VARCHAR>,
    dateTime AS
        CASE
            WHEN event_type = 0 THEN person.dateTime
            WHEN event_type = 1 THEN auction.dateTime
            ELSE bid.dateTime
        END,
    WATERMARK FOR dateTime AS dateTime - INTERVAL '4' SECOND
) WITH (
    'connector' = 'nexmark',
    'first-event.rate' = '10000000',
    'next-event.rate' = '10000000',
    'events.num' = '100000000',
    'person.proportion' = '1',
    'auction.proportion' = '3',
    'bid.proportion' = '46'
);

CREATE TABLE events_kafka (
    event_type INT,
    person ROW<id BIGINT, name VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR,
               state VARCHAR, dateTime TIMESTAMP(3), extra VARCHAR>,
    auction ROW<id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT,
                dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra VARCHAR>,
    bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
            dateTime TIMESTAMP(3), extra VARCHAR>,
    dateTime AS CASE event_type WHEN 0 THEN person.dateTime WHEN 1 THEN auction.dateTime ELSE bid.dateTime END,
    WATERMARK FOR dateTime AS dateTime - INTERVAL '4' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'auction-events',
    'properties.bootstrap.servers' = 'localhost:9092',
    'properties.group.id' = 'weir',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json'
);

CREATE TABLE events_copy LIKE events_gen;

CREATE VIEW person AS
SELECT person.id, person.name, person.emailAddress, person.creditCard, person.city, person.state, dateTime, person.extra
FROM events_gen
WHERE event_type = 0;

CREATE VIEW auction AS
SELECT auction.id, auction.itemName, auction.description, auction.initialBid, auction.reserve, dateTime,
       auction.expires, auction.seller, auction.category, auction.extra
FROM events_gen
WHERE event_type = 1;

CREATE VIEW bid AS
SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, dateTime, bid.extra
FROM events_gen
WHERE event_type = 2;

CREATE TABLE copy_sink WITH ('connector' = 'blackhole') LIKE events_kafka (EXCLUDING ALL INCLUDING GENERATED);

INSERT INTO copy_sink SELECT event_type, person, auction, bid FROM events_gen;

/* ---- 0: pass through ---- */

CREATE TABLE q0_out (auction BIGINT, bidder BIGINT, price BIGINT, dateTime TIMESTAMP(3), extra VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q0_out SELECT auction, bidder, price, dateTime, extra FROM bid;

/* ---- 1: dollars to euros ---- */

CREATE TABLE q1_out (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), dateTime TIMESTAMP(3), extra VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q1_out SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid;

/* ---- 2: some auctions only ---- */

CREATE TABLE q2_out (auction BIGINT, price BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO q2_out SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;

/* ---- 3: who sells in some states ---- */

CREATE TABLE q3_out (name VARCHAR, city VARCHAR, state VARCHAR, id BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO q3_out
SELECT seller.name, seller.city, seller.state, item.id
FROM auction AS item INNER JOIN person AS seller ON item.seller = seller.id
WHERE item.category = 10 AND (seller.state = 'OR' OR seller.state = 'ID' OR seller.state = 'CA');

/* ---- 4: mean closing price of a category ---- */

CREATE TABLE q4_out (id BIGINT, final BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO q4_out
SELECT closing.category, AVG(closing.final)
FROM (
    SELECT MAX(offer.price) AS final, item.category
    FROM auction item, bid offer
    WHERE item.id = offer.auction AND offer.dateTime BETWEEN item.dateTime AND item.expires
    GROUP BY item.id, item.category
) closing
GROUP BY closing.category;

/* ---- 5: auctions with the most bids in a sliding window ---- */

CREATE TABLE q5_out (auction BIGINT, num BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO q5_out
SELECT counted.auction, counted.num
FROM (
    SELECT auction, count(*) AS num, window_start AS starttime, window_end AS endtime
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end
) AS counted
JOIN (
    SELECT max(busy.num) AS maxn, busy.starttime, busy.endtime
    FROM (
        SELECT count(*) AS num, window_start AS starttime, window_end AS endtime
        FROM TABLE(HOP(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
        GROUP BY auction, window_start, window_end
    ) AS busy
    GROUP BY busy.starttime, busy.endtime
) AS top
ON counted.starttime = top.starttime AND counted.endtime = top.endtime AND counted.num >= top.maxn;

/* ---- 6: mean selling price of a seller's last ten auctions ---- */

CREATE TABLE q6_out (seller VARCHAR, avg_price BIGINT) WITH ('connector' = 'blackhole');

INSERT INTO q6_out
SELECT won.seller,
       AVG(won.final) OVER (PARTITION BY won.seller ORDER BY won.dateTime ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)
FROM (
    SELECT ROW_NUMBER() OVER (PARTITION BY item.id, item.seller ORDER BY offer.price DESC) AS place,
           item.seller, offer.price AS final, offer.dateTime
    FROM auction AS item, bid AS offer
    WHERE item.id = offer.auction AND offer.dateTime BETWEEN item.dateTime AND item.expires
) AS won
WHERE won.place <= 1;

/* ---- 7: the highest bid of each window ---- */

CREATE TABLE q7_out (auction BIGINT, bidder BIGINT, price BIGINT, dateTime TIMESTAMP(3), extra VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q7_out
SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
FROM bid b
JOIN (
    SELECT MAX(price) AS maxprice, window_end AS dateTime
    FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(dateTime), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end
) best
ON b.price = best.maxprice
WHERE b.dateTime BETWEEN best.dateTime - INTERVAL '10' SECOND AND best.dateTime;

/* ---- 8: new people who sell at once ---- */

CREATE TABLE q8_out (id BIGINT, name VARCHAR, stime TIMESTAMP(3)) WITH ('connector' = 'blackhole');

INSERT INTO q8_out
SELECT p.id, p.name, p.starttime
FROM (
    SELECT id, name, window_start AS starttime, window_end AS endtime
    FROM TABLE(TUMBLE(TABLE person, DESCRIPTOR(dateTime), INTERVAL '10' SECOND))
    GROUP BY id, name, window_start, window_end
) p
JOIN (
    SELECT seller, window_start AS starttime, window_end AS endtime
    FROM TABLE(TUMBLE(TABLE auction, DESCRIPTOR(dateTime), INTERVAL '10' SECOND))
    GROUP BY seller, window_start, window_end
) a
ON p.id = a.seller AND p.starttime = a.starttime AND p.endtime = a.endtime;

/* ---- 9: the winning bid of each auction ---- */

CREATE TABLE q9_out (
    id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT,
    dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra VARCHAR,
    auction BIGINT, bidder BIGINT, price BIGINT, bid_dateTime TIMESTAMP(3), bid_extra VARCHAR
) WITH ('connector' = 'blackhole');

INSERT INTO q9_out
SELECT id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra,
       auction, bidder, price, bid_dateTime, bid_extra
FROM (
    SELECT item.*, offer.auction, offer.bidder, offer.price, offer.dateTime AS bid_dateTime, offer.extra AS bid_extra,
           ROW_NUMBER() OVER (PARTITION BY item.id ORDER BY offer.price DESC, offer.dateTime ASC) AS place
    FROM auction item, bid offer
    WHERE item.id = offer.auction AND offer.dateTime BETWEEN item.dateTime AND item.expires
)
WHERE place <= 1;

/* ---- 10: log to a partitioned file system ---- */

CREATE TABLE q10_out (
    auction BIGINT, bidder BIGINT, price BIGINT, dateTime TIMESTAMP(3), extra VARCHAR,
    dt STRING, hm STRING
) PARTITIONED BY (dt, hm) WITH (
    'connector' = 'filesystem',
    'path' = 'file:///tmp/weir/bids',
    'format' = 'csv',
    'sink.partition-commit.trigger' = 'partition-time',
    'sink.partition-commit.delay' = '1 min',
    'sink.partition-commit.policy.kind' = 'success-file',
    'partition.time-extractor.timestamp-pattern' = '$dt $hm:00',
    'sink.rolling-policy.rollover-interval' = '1min',
    'sink.rolling-policy.check-interval' = '1min'
);

INSERT INTO q10_out
SELECT auction, bidder, price, dateTime, extra, DATE_FORMAT(dateTime, 'yyyy-MM-dd'), DATE_FORMAT(dateTime, 'HH:mm')
FROM bid;

/* ---- 11: bids of a user's session ---- */

CREATE TABLE q11_out (bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3))
WITH ('connector' = 'blackhole');

INSERT INTO q11_out
SELECT b.bidder, count(*) AS bid_count,
       SESSION_START(b.dateTime, INTERVAL '10' SECOND) AS starttime,
       SESSION_END(b.dateTime, INTERVAL '10' SECOND) AS endtime
FROM bid b
GROUP BY b.bidder, SESSION(b.dateTime, INTERVAL '10' SECOND);

/* ---- 12: bids in a window of processing time ---- */

CREATE TABLE q12_out (bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3))
WITH ('connector' = 'blackhole');

CREATE VIEW bid_arrival AS SELECT *, PROCTIME() AS p_time FROM bid;

INSERT INTO q12_out
SELECT bidder, count(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE bid_arrival, DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;

/* ---- 13: a bounded side input ---- */

CREATE TABLE side_table (key BIGINT, `value` VARCHAR)
WITH ('connector' = 'filesystem', 'path' = 'file:///tmp/weir/side_input.txt', 'format' = 'csv');

CREATE TABLE q13_out (auction BIGINT, bidder BIGINT, price BIGINT, dateTime TIMESTAMP(3), `value` VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q13_out
SELECT b.auction, b.bidder, b.price, b.dateTime, s.`value`
FROM (SELECT *, PROCTIME() AS p_time FROM bid) b
JOIN side_table FOR SYSTEM_TIME AS OF b.p_time AS s ON MOD(b.auction, 10000) = s.key;

/* ---- 14: a calculation with a function of the user's ---- */

CREATE FUNCTION count_char AS 'com.example.weir.CountChar';

CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS half AS 'com.example.weir.Half' LANGUAGE JAVA;

CREATE TABLE q14_out (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), bidTimeType VARCHAR,
                      dateTime TIMESTAMP(3), extra VARCHAR, c_counts BIGINT)
WITH ('connector' = 'blackhole');

INSERT INTO q14_out
SELECT auction, bidder, 0.908 * price AS price,
       CASE
           WHEN HOUR(dateTime) >= 8 AND HOUR(dateTime) <= 18 THEN 'dayTime'
           WHEN HOUR(dateTime) <= 6 OR HOUR(dateTime) >= 20 THEN 'nightTime'
           ELSE 'otherTime'
       END AS bidTimeType,
       dateTime, extra, count_char(extra, 'c') AS c_counts
FROM bid
WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;

DROP FUNCTION IF EXISTS count_char;

/* ---- 15: distinct counts of a day ---- */

CREATE TABLE q15_out (
    `day` VARCHAR, total_bids BIGINT, rank1_bids BIGINT, rank2_bids BIGINT, rank3_bids BIGINT,
    total_bidders BIGINT, rank1_bidders BIGINT, rank2_bidders BIGINT, rank3_bidders BIGINT,
    total_auctions BIGINT, rank1_auctions BIGINT, rank2_auctions BIGINT, rank3_auctions BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO q15_out
SELECT DATE_FORMAT(dateTime, 'yyyy-MM-dd') AS `day`,
       count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
       count(*) FILTER (WHERE price >= 1000000) AS rank3_bids,
       count(DISTINCT bidder) AS total_bidders,
       count(DISTINCT bidder) FILTER (WHERE price < 10000) AS rank1_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS rank3_bidders,
       count(DISTINCT auction) AS total_auctions,
       count(DISTINCT auction) FILTER (WHERE price < 10000) AS rank1_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 1000000) AS rank3_auctions
FROM bid
GROUP BY DATE_FORMAT(dateTime, 'yyyy-MM-dd');

/* ---- 16: the same of each channel ---- */

CREATE TABLE q16_out (
    channel VARCHAR, `day` VARCHAR, `minute` VARCHAR, total_bids BIGINT, rank1_bids BIGINT,
    total_bidders BIGINT, total_auctions BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO q16_out
SELECT channel,
       DATE_FORMAT(dateTime, 'yyyy-MM-dd') AS `day`,
       max(DATE_FORMAT(dateTime, 'HH:mm')) AS `minute`,
       count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       count(DISTINCT bidder) AS total_bidders,
       count(DISTINCT auction) AS total_auctions
FROM bid
GROUP BY channel, DATE_FORMAT(dateTime, 'yyyy-MM-dd');

/* ---- 17: statistics of an auction's day ---- */

CREATE TABLE q17_out (
    auction BIGINT, `day` VARCHAR, total_bids BIGINT, rank1_bids BIGINT,
    min_price BIGINT, max_price BIGINT, avg_price BIGINT, sum_price BIGINT,
    PRIMARY KEY (auction, `day`) NOT ENFORCED
) WITH ('connector' = 'blackhole');

INSERT INTO q17_out
SELECT auction, DATE_FORMAT(dateTime, 'yyyy-MM-dd') AS `day`, count(*) AS total_bids,
       count(*) FILTER (WHERE price < 10000) AS rank1_bids,
       min(price) AS min_price, max(price) AS max_price, avg(price) AS avg_price, sum(price) AS sum_price
FROM bid
GROUP BY auction, DATE_FORMAT(dateTime, 'yyyy-MM-dd');

/* ---- 18: the last bid of each bidder on an auction ---- */

CREATE TABLE q18_out (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                      dateTime TIMESTAMP(3), extra VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q18_out
SELECT auction, bidder, price, channel, url, dateTime, extra
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC) AS place FROM bid
)
WHERE place <= 1;

/* ---- 19: the ten highest bids of an auction ---- */

CREATE TABLE q19_out (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                      dateTime TIMESTAMP(3), extra VARCHAR, place BIGINT)
WITH ('connector' = 'blackhole');

INSERT INTO q19_out
SELECT * FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid
)
WHERE place <= 10;

/* ---- 20: bids with their auctions ---- */

CREATE TABLE q20_out (
    auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, bid_dateTime TIMESTAMP(3),
    bid_extra VARCHAR, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT,
    auction_dateTime TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, auction_extra VARCHAR
) WITH ('connector' = 'blackhole');

INSERT INTO q20_out
SELECT auction, bidder, price, channel, url, b.dateTime, b.extra, itemName, description, initialBid, reserve,
       item.dateTime, expires, seller, category, item.extra
FROM bid AS b INNER JOIN auction AS item ON b.auction = item.id
WHERE item.category = 10;

/* ---- 21: a channel's id out of its address ---- */

CREATE TABLE q21_out (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, channel_id VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q21_out
SELECT auction, bidder, price, channel,
       CASE
           WHEN lower(channel) = 'apple' THEN '0'
           WHEN lower(channel) = 'google' THEN '1'
           WHEN lower(channel) = 'facebook' THEN '2'
           WHEN lower(channel) = 'baidu' THEN '3'
           ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2)
       END AS channel_id
FROM bid
WHERE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) IS NOT NULL
   OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu');

/* ---- 22: the directories of an address ---- */

CREATE TABLE q22_out (auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR,
                      dir1 VARCHAR, dir2 VARCHAR, dir3 VARCHAR)
WITH ('connector' = 'blackhole');

INSERT INTO q22_out
SELECT auction, bidder, price, channel,
       SPLIT_INDEX(url, '/', 3) AS dir1,
       SPLIT_INDEX(url, '/', 4) AS dir2,
       SPLIT_INDEX(url, '/', 5) AS dir3
FROM bid;

/* ---- several sinks in one job, and the end ---- */

EXECUTE STATEMENT SET
BEGIN
    INSERT INTO q0_out SELECT auction, bidder, price, dateTime, extra FROM bid;
    INSERT INTO q2_out SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
END;

EXPLAIN PLAN FOR SELECT auction, count(*) FROM bid GROUP BY auction;

SHOW TABLES;
DESCRIBE bid;
SHOW CREATE TABLE q0_out;

DROP VIEW IF EXISTS bid_arrival;
DROP TABLE IF EXISTS side_table;
DROP TABLE events_copy;
RESET 'table.exec.mini-batch.enabled';
