-- a
/* b */ SELECT /*+ BROADCAST(t) */ `x``y` FROM t /*+ OPTIONS('a' = 'b') */ AS u // end
