/*
 * A strict reader for testdata's tables. It keeps numbers as text, so that whoever knows their type parses them, and
 * ends the program at the first character that is not JSON: a table that is read wrongly must not pass.
 * No escapes in strings: the tables have none.
 */
#ifndef JSON_H
#define JSON_H

#include "check.h"

typedef enum { JSON_NULL, JSON_BOOLEAN, JSON_STRING, JSON_NUMBER, JSON_ARRAY, JSON_OBJECT } json_kind;

typedef struct json {
    json_kind kind;
    const char *key;    /* in an object */
    const char *text;   /* of a boolean, string or number */
    struct json *first; /* of an array or object */
    struct json *next;
    size_t count;
} json;

typedef struct {
    char *at;
    const char *start;
} json_reader;

static inline void json_fail(const json_reader *reader, const char *why)
{
    size_t line = 1;
    for (const char *c = reader->start; c < reader->at; c++)
        line += *c == '\n';
    fprintf(stderr, "line %lu of the table: %s\n", (unsigned long)line, why);
    exit(2);
}

static inline void json_space(json_reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

/* Takes the next character of structure, and ends the text of a number before it. */
static inline char json_take(json_reader *reader)
{
    json_space(reader);
    char taken = *reader->at;
    if (taken == 0)
        json_fail(reader, "the table ends early");
    *reader->at++ = 0;
    return taken;
}

static inline const char *json_string(json_reader *reader)
{
    if (json_take(reader) != '"')
        json_fail(reader, "a string was expected");
    const char *text = reader->at;
    while (*reader->at != '"') {
        if (*reader->at == 0 || *reader->at == '\n' || *reader->at == '\\')
            json_fail(reader, "a string without end, or with an escape");
        reader->at++;
    }
    *reader->at++ = 0;
    return text;
}

static inline const char *json_number(json_reader *reader)
{
    const char *text = reader->at;
    char *end;
    reader->at += strspn(text, "0123456789+-.eE");
    strtod(text, &end);
    if (reader->at == text || end != reader->at)
        json_fail(reader, "a value was expected");
    return text; /* no 0 ends it yet: json_take writes one where the next bracket or comma stands */
}

static inline json *json_value(json_reader *reader)
{
    json *value = (json *)allocate(sizeof *value);
    memset(value, 0, sizeof *value);
    json_space(reader);
    if (*reader->at == '"') {
        value->kind = JSON_STRING;
        value->text = json_string(reader);
    } else if (*reader->at == '[' || *reader->at == '{') {
        char open = json_take(reader), close = open == '[' ? ']' : '}';
        json **end = &value->first;
        value->kind = open == '[' ? JSON_ARRAY : JSON_OBJECT;
        json_space(reader);
        if (*reader->at == close) {
            json_take(reader);
            return value;
        }
        for (;;) {
            const char *key = NULL;
            if (value->kind == JSON_OBJECT) {
                json_space(reader);
                key = json_string(reader);
                if (json_take(reader) != ':')
                    json_fail(reader, "a colon was expected");
            }
            *end = json_value(reader);
            (*end)->key = key;
            end = &(*end)->next;
            value->count++;
            char after = json_take(reader);
            if (after == close)
                return value;
            if (after != ',')
                json_fail(reader, "a comma or a closing bracket was expected");
        }
    } else if (strncmp(reader->at, "null", 4) == 0) {
        value->kind = JSON_NULL;
        reader->at += 4;
    } else if (strncmp(reader->at, "true", 4) == 0 || strncmp(reader->at, "false", 5) == 0) {
        value->kind = JSON_BOOLEAN;
        value->text = *reader->at == 't' ? "true" : "false";
        reader->at += strlen(value->text);
    } else {
        value->kind = JSON_NUMBER;
        value->text = json_number(reader);
    }
    return value;
}

/* Numbers written as JSON numbers or as the strings "inf", "-inf", "nan": strtod and its sisters know them all. */
static inline const char *json_text(const json *value)
{
    if (value == NULL || (value->kind != JSON_NUMBER && value->kind != JSON_STRING))
        give_up("the table has no text where a number or string belongs");
    return value->text;
}

static inline const json *json_get(const json *object, const char *key)
{
    for (const json *member = object->first; member != NULL; member = member->next)
        if (member->key != NULL && strcmp(member->key, key) == 0)
            return member;
    return NULL;
}

/* As json_get, for what the format says is always there. */
static inline const json *json_need(const json *object, const char *key)
{
    const json *member = json_get(object, key);
    if (member == NULL) {
        fprintf(stderr, "the table misses \"%s\" in a case\n", key);
        exit(2);
    }
    return member;
}

static inline int json_has_text(const json *array, const char *text)
{
    for (const json *item = array == NULL ? NULL : array->first; item != NULL; item = item->next)
        if (item->kind == JSON_STRING && strcmp(item->text, text) == 0)
            return 1;
    return 0;
}

static inline int json_is_true(const json *value)
{
    if (value->kind != JSON_BOOLEAN)
        give_up("the table has no boolean where one belongs");
    return *value->text == 't';
}

static inline json *json_read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = 0, room = 1 << 20, got;
    char *text = (char *)allocate(room);
    while ((got = fread(text + size, 1, room - size - 1, file)) > 0) {
        size += got;
        if (room - size == 1) {
            room *= 2;
            text = (char *)realloc(text, room);
            if (text == NULL)
                give_up("out of memory");
        }
    }
    fclose(file);
    text[size] = 0;
    json_reader reader = {text, text};
    json *table = json_value(&reader);
    json_space(&reader);
    if (*reader.at != 0 || table->kind != JSON_ARRAY || table->count == 0)
        json_fail(&reader, "a table is one array of cases");
    return table; /* the text stays: its numbers and strings point into it; the program ends soon */
}

#endif
