SELECT (((a + ] 'x FROM
