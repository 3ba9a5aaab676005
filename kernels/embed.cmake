# cmake -DNAME=symbol -DOUT=file.c -DFILES=a,b,c -P embed.cmake: FILES one behind the other as `const char NAME[]`, a string
# literal for each line.
string(REPLACE "," ";" FILES "${FILES}")
set(text "")
foreach(file ${FILES})
  file(READ ${file} part)
  string(APPEND text "${part}\n")
endforeach()
string(REGEX REPLACE "#include [^\n]*\n" "" text "${text}")
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n\"" text "${text}")
file(WRITE ${OUT} "/* Made from kernels/ by embed.cmake. */\nextern const char ${NAME}[];\nconst char ${NAME}[] =\n\"${text}\";\n")
