"""What is said on an earnings call: sentences with the phrases people set alerts on."""

from __future__ import annotations

from typing import Final

WELCOME: Final = (
    "Good {daytime}, and welcome to the {name} {quarter} quarter {year} earnings conference call.",
    "At this time, all participants are in a listen-only mode.",
    "A question-and-answer session will follow the formal presentation.",
    "As a reminder, this conference is being recorded.",
    "I would now like to turn the call over to Investor Relations, please go ahead.",
)

DISCLAIMER: Final = (
    "Thank you, operator, and good {daytime} everyone.",
    "Joining me today are {ceo}, our Chief Executive Officer, and {cfo}, our Chief Financial Officer.",
    "During this call we will make forward-looking statements that are subject to risks and uncertainties.",
    "Actual results may differ materially from those expressed or implied today.",
    "We will also refer to non-GAAP measures, and a reconciliation is in our press release.",
    "With that, let me hand the call to {ceo}.",
)

CEO: Final = (
    "Thank you, and thanks everyone for joining us.",
    "We delivered a strong quarter, with revenue of {amount} million dollars, up {pct} percent year over year.",
    "Demand for {product} remained healthy across all of our end markets.",
    "We saw record bookings, and our backlog now stands at {amount} million dollars.",
    "That said, we continue to face headwinds from foreign exchange and higher input costs.",
    "Supply chain constraints eased in the quarter, but they are not fully behind us.",
    "We are seeing softer demand in Europe, and some customers are delaying purchase decisions.",
    "Our pricing actions are holding, and churn came down for the third quarter in a row.",
    "We are raising our full year outlook on the back of these results.",
    "Given the macro uncertainty, we are lowering our guidance for the second half.",
    "We think it is prudent to withdraw guidance for the segment until visibility improves.",
    "Artificial intelligence is becoming a real tailwind for how we design and deliver {product}.",
    "We closed the acquisition of a smaller competitor, and integration is ahead of schedule.",
    "We announced a restructuring plan that will reduce headcount by about {pct} percent.",
    "The tariffs announced last month will cost us roughly {small} million dollars a quarter.",
    "Our new plant is on track, and we expect first shipments in the {quarter} quarter.",
    "I want to thank our employees, who have shown incredible focus.",
    "We received a subpoena related to a former distributor, and we are cooperating fully.",
    "We remain confident in our long-term strategy and in our ability to create shareholder value.",
    "Customer inventories have normalized, and channel checks give us confidence.",
    "Competition is intense, but our win rates improved again.",
    "We had a cybersecurity incident in the quarter, which did not have a material impact.",
    "Our largest customer renewed its contract for another three years.",
    "The recall we announced in the spring is now substantially complete.",
    "Now let me turn it over to {cfo} for the financials.",
)

CFO: Final = (
    "Thanks, {ceo_first}, and good {daytime} everyone.",
    "Total revenue was {amount} million dollars, compared with {amount2} million dollars a year ago.",
    "Gross margin was {margin} percent, an improvement of {bps} basis points.",
    "Gross margins contracted by {bps} basis points, mainly due to freight and mix.",
    "Operating margin expanded to {small} percent as we kept a tight grip on costs.",
    "Adjusted EPS came in at {eps} dollars, ahead of our guidance.",
    "Earnings per share of {eps} dollars missed our own expectations.",
    "Free cash flow was {small} million dollars, and we ended the quarter with {amount} million in cash.",
    "We repurchased {small} million dollars of stock under our share buyback program.",
    "The board approved a new buyback authorization of {amount} million dollars.",
    "We are suspending the dividend to protect the balance sheet.",
    "The board raised the quarterly dividend by {pct} percent.",
    "Capital expenditures were {small} million dollars, in line with our plan.",
    "We recorded a goodwill impairment of {small} million dollars in the quarter.",
    "We identified a material weakness in our internal controls, and remediation is under way.",
    "Turning to guidance, we expect revenue between {amount} and {amount2} million dollars.",
    "For the full year, we now expect margin expansion of {bps} basis points.",
    "Our outlook assumes no improvement in the macro environment.",
    "We expect our tax rate to be about {margin} percent for the rest of the year.",
    "We are in compliance with all debt covenants, and our next maturity is two years out.",
    "Inventory days came down by {days}, which released working capital.",
    "We cut our outlook for capital spending by {pct} percent.",
    "Foreign exchange was a headwind of {bps} basis points to growth.",
    "With that, operator, we are ready to take questions.",
)

QUESTIONS: Final = (
    "Hi, good {daytime}, thanks for taking my question.",
    "Can you talk a little bit about the cadence of demand through the quarter?",
    "How should we think about gross margins in the second half?",
    "What is embedded in your guidance for pricing versus volume?",
    "Are you seeing any change in customer behavior given the macro uncertainty?",
    "Could you give us more color on the headwinds you mentioned?",
    "How much of the outlook depends on the recovery in {product}?",
    "And then just a quick follow-up on capital allocation and the buyback, if I may.",
    "What would have to happen for you to lower guidance again?",
    "Is the competitive environment getting worse, or is it just noise?",
    "Maybe one for {cfo_first}, how do you think about free cash flow conversion next year?",
    "Do you expect any impact from the tariffs in the {quarter} quarter?",
)

ANSWERS: Final = (
    "Yeah, thanks {analyst_first}, that is a great question.",
    "Look, I would say demand was fairly linear, with a bit of acceleration at the end.",
    "We are not lowering our expectations, and we feel good about the guidance we gave.",
    "On margins, we have {bps} basis points of tailwind from mix, partly offset by wage inflation.",
    "We do not guide to that specifically, but directionally I think you are right.",
    "The pipeline is as strong as I have ever seen it.",
    "It is too early to call a recovery, so we are staying cautious.",
    "Our first priority is to invest in the business, then dividends, then share repurchases.",
    "We have not seen any order cancellations to speak of.",
    "I would not read too much into one quarter.",
    "Pricing contributed about {pct} points, and the rest was volume.",
    "We think leverage comes down to about {small2} times by the end of the year.",
    "There was some pull-forward ahead of the tariffs, maybe {small} million dollars.",
    "I will let {cfo_first} take the second part.",
    "That is baked into the outlook, and we will update you next quarter.",
)

OPERATOR_QA: Final = (
    "Our next question comes from the line of {analyst} with {firm}, please go ahead.",
    "Thank you, the next question is from {analyst} of {firm}, your line is open.",
    "We will go next to {analyst} at {firm}.",
)

CLOSING: Final = (
    "Thank you, that concludes our question-and-answer session.",
    "I would like to turn the call back over to {ceo} for closing remarks.",
    "Thanks again for your time and your interest in {name}, and we look forward to speaking with you next quarter.",
    "Ladies and gentlemen, this concludes today's conference call, and you may now disconnect.",
)

MOCK: Final = (
    "We expect growth.",
    "Services set another record this quarter.",
    "Gross margin was at the high end of our guidance range.",
    "We continue to invest in artificial intelligence.",
    "Our installed base reached an all-time high.",
    "We returned cash to shareholders through dividends and share repurchases.",
    "We see some headwinds from foreign exchange.",
    "Thank you, and we look forward to your questions.",
)
