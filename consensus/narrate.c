#include "consensus/narrate.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void say(char text[NARRATE_TEXT_SIZE],
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* allow purity: integers and words only, which no locale changes */
    vsnprintf(text, NARRATE_TEXT_SIZE, format, arguments);
    va_end(arguments);
}

static const char *plural(uint8_t count)
{
    return count == 1 ? "" : "s";
}

static void received_text(char text[NARRATE_TEXT_SIZE], const struct narrate_line *line)
{
    const unsigned long long height = line->height.n, view = line->view.n;
    const char *name = message_name(line->tag);
    switch (line->tag) {
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        say(text, "< %s %llu in view %llu from %u (%u of %u)", name, height, view, line->from.n,
            line->count, line->needed);
        break;
    case MESSAGE_VIEW_CHANGE:
        say(text, "< %s %llu from %u (%u of %u)", name, view, line->from.n, line->count,
            line->needed);
        break;
    case MESSAGE_PRE_PREPARE:
    case MESSAGE_NEW_VIEW:
    case MESSAGE_STATUS:
        say(text, "< %s %llu in view %llu from %u", name, height, view, line->from.n);
        break;
    case MESSAGE_DECIDED:
        say(text, "< %s %llu, committed in view %llu", name, height, view);
        break;
    }
}

void narrate_text(char text[NARRATE_TEXT_SIZE], const struct narrate_line *line)
{
    const unsigned long long height = line->height.n, view = line->view.n;
    switch (line->kind) {
    case NARRATE_STARTED:
        say(text, "| started at height %llu in view %llu", height, view);
        break;
    case NARRATE_PROPOSED:
        say(text, "| proposes %llu in view %llu", height, view);
        break;
    case NARRATE_RECEIVED:
        received_text(text, line);
        break;
    case NARRATE_VOTED:
        say(text, "> %s %llu in view %llu", message_name(line->tag), height, view);
        break;
    case NARRATE_INVALID:
        say(text, "| proposal %llu in view %llu is invalid", height, view);
        break;
    case NARRATE_COMMITTED:
        say(text, "| committed %llu in view %llu", height, view);
        break;
    case NARRATE_SUSPECTED:
        say(text, "| no progress in view %llu", view);
        break;
    case NARRATE_SLOW:
        say(text, "| the primary of view %llu is slow", view);
        break;
    case NARRATE_RESIGNED:
        say(text, "| the primary of view %llu resigns", view);
        break;
    case NARRATE_TURN:
        say(text, "| the turn of view %llu ends at %llu", view, height);
        break;
    case NARRATE_JOINED:
        say(text, "| %u others are at view %llu (%u of %u)", line->count, view, line->count,
            line->needed);
        break;
    case NARRATE_WANTED:
        say(text, "> view-change %llu", view);
        break;
    case NARRATE_ENTERED:
        if (line->count == 0)
            say(text, "| entered view %llu of %u", view, line->from.n);
        else
            say(text, "| entered view %llu of %u with %u block%s from %llu again", view,
                line->from.n, line->count, plural(line->count), height);
        break;
    case NARRATE_BEHIND:
        say(text, "| behind: catches up to %llu", height);
        break;
    case NARRATE_ACCUSED:
        say(text, "| %u lies in view %llu: %s", line->from.n, view,
            evidence_name((enum evidence_kind)line->count));
        break;
    case NARRATE_DIVERGED:
        say(text, "| DIVERGED from the certificate at %llu", height);
        break;
    }
}

const char *narrate_reason(enum narrate_ignored reason)
{
    switch (reason) {
    case NARRATE_HEEDED:
        return "heeded";
    case NARRATE_HALTED:
        return "halted";
    case NARRATE_OTHER_VIEW:
        return "of another view";
    case NARRATE_NOT_ACTIVE:
        return "a view change is on";
    case NARRATE_OLD_HEIGHT:
        return "committed already";
    case NARRATE_FAR_HEIGHT:
        return "above the window";
    case NARRATE_OTHER_NEW_VIEW:
        return "of another new view";
    case NARRATE_REPEATED:
        return "known already";
    case NARRATE_CONFLICT:
        return "contradicts an earlier one of the same seat";
    case NARRATE_NOT_FRESH:
        return "the new view settled that height";
    case NARRATE_CLOCK:
        return "its time is too far from the clock here";
    case NARRATE_BOUNDARY:
        return "changes the set of validators";
    case NARRATE_STALE:
        return "answers what was discarded";
    case NARRATE_TOO_SOON:
        return "too soon to be answered";
    }
    return "";
}
