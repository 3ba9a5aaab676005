-- Nothing to generate: a generated stream of orders, joined with an inline table.
CREATE TABLE orders (id BIGINT, product INT, quantity INT) WITH (
    'connector' = 'datagen', 'number-of-rows' = '100000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000',
    'fields.product.min' = '1', 'fields.product.max' = '3',
    'fields.quantity.min' = '1', 'fields.quantity.max' = '9');
CREATE VIEW products AS SELECT * FROM (VALUES (1, 'tea', 3.20), (2, 'coffee', 4.75), (3, 'cocoa', 2.90)) AS p (id, name, price);
SELECT p.name, COUNT(*) AS orders, SUM(o.quantity) AS pieces, SUM(o.quantity * p.price) AS revenue
FROM orders AS o JOIN products AS p ON o.product = p.id GROUP BY p.name ORDER BY p.name;
