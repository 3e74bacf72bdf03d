// Runs the scenarios, or with --stress SECONDS all of it from several threads. Last line: "N passed, 0 failed"; a fault ends the process.
#include "scenario.h"

void StressRun(uint32_t seconds);

static uint32_t Run(const Scenario *list)
{
    uint32_t count = 0;
    for (; list->Name != NULL; list++, count++) {
        (void)printf("%s\n", list->Name);
        (void)fflush(stdout);
        FakeSetProcessor(0);
        list->Run();
    }
    return count;
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--stress") == 0) {
        StressRun((uint32_t)atoi(arguments[2]));
        (void)printf("1 passed, 0 failed\n");
        return 0;
    }
    uint32_t passed = Run(DesignScenarios) + Run(FlowScenarios) + Run(AwayScenarios) + Run(EdgeScenarios) + Run(TableScenarios) + Run(DataScenarios) + Run(StateScenarios) + Run(RequestScenarios) + Run(CoreScenarios) + Run(FailureScenarios);
    // Last: what it breaks stays broken.
    passed += Run(NegativeScenarios);
    (void)printf("%u passed, 0 failed\n", passed);
    return 0;
}
