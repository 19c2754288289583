"""Prior numbers, each with its reason."""

from dataclasses import dataclass, replace
from math import log


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Prior numbers of the capability model. Log-normal medians are given in logs."""

    # Exponent alpha, per decade of compute. Published compute exponents of pre-training loss are 0.05 to 0.18
    # (Kaplan 2020, Hoffmann 2022), of generative task loss 0.12 to 0.4; fits of emergent tasks find 0.2 to 1.
    exponent_median: float = 0.35
    exponent_log_sd: float = 0.8
    # Tasks of one table differ in exponent by a factor of about 1.4; log-normal, so that pooling is never complete.
    exponent_spread_median: float = 0.35
    exponent_spread_log_sd: float = 0.5
    # By date they differ by a factor of two: in what a decade of compute and in what a year of progress brings.
    exponent_spread_median_of_dates: float = 0.7
    # Success at the reference run (`models.facts.placing.reference_compute`), as a logit: 95% from 0.2% to 88%, so
    # tables of tasks just beginning and of tasks half solved are both ordinary; tasks of one table differ widely.
    reference_logit_mean: float = -2.0
    reference_logit_sd: float = 2.0
    reference_logit_spread_median: float = log(1.5)
    reference_logit_spread_sd: float = 0.5
    # Frailty shape nu: LogNormal(0, 1) for one task. nu = 1, the logistic curve people fit by hand, is the median.
    # The variance is split into what tasks share (0.9) and what is their own (0.4).
    frailty_median: float = 1.0
    frailty_log_sd: float = 0.9
    frailty_log_spread: float = 0.4
    # Ceiling: below 1 by the share u^power of the way down to the success at the reference run, u uniform. Power 4 puts
    # half of the mass within 6% of 1 (the task can be solved) and a quarter below 0.7 (label noise, ambiguity), as
    # Beta(2, 1/2) does. Power 2 on six beds: three better, three worse, five farther from the right coverage.
    ceiling_shortfall_power: float = 4.0
    # Where experts are scored, of the room between their score and 1: power 1/2 makes the density fall in a straight
    # line, from its highest value at their score to none at 1. Its median is 29% of the way. Models have passed experts
    # where these lack time or training, on some tests by more than half of the way: so it is here in one of four.
    human_shortfall_power: float = 0.5
    # Floor of generative tasks, as a logit: median 0.2%, 95% from 0.003% (zero, for any real test) to 10%.
    floor_logit_mean: float = log(0.002)
    floor_logit_sd: float = 2.0
    floor_logit_spread_median: float = log(0.8)
    floor_logit_spread_sd: float = 0.5
    # Floor of a choice whose chance is unknown, as a logit: 95% from 8 to 57%, so two to ten are ordinary.
    choice_floor_logit_mean: float = log(0.25 / 0.75)
    choice_floor_logit_sd: float = 0.7
    # Residual of a run, decades: 95% from 0.07 to 0.33, about a factor of 1.4 in compute. Seeds, data order and recipe
    # details are worth that; log-normal, since no pair of runs agrees exactly and samplers stick in the neck at zero.
    run_sd_median: float = 0.15
    run_sd_log_sd: float = 0.4
    # On a scale of dates, where a year counts as a decade: models of one date, small and large, lie years apart.
    run_sd_median_of_dates: float = 0.6
    # What all new runs of one new size have in common beyond that, decades, and more the farther they are; a ladder of
    # few sizes cannot tell it: all thirteen tasks of all six 3B runs of one ladder lay below what smaller sizes said.
    size_sd: float = 0.1
    # And what all releases of one half-year have in common, learned.
    half_year_sd_median: float = 0.1
    half_year_sd_log_sd: float = 0.6
    # Families, decades: open models of different recipes reach one score at computes up to two decades apart.
    family_sd_median: float = 0.4
    family_sd_log_sd: float = 0.6
    # Their larger models may come from better recipes, or worse: decades of theta per decade of a family's compute.
    family_slope_sd: float = 0.3
    # What a family is good at beyond its effect on all tasks (code, trivia, arithmetic), decades.
    deviation_sd_median: float = 0.3
    deviation_sd_log_sd: float = 0.6
    # Exponents of parameters and tokens in the reducible loss: .35 and .37 for Hoffmann et al. 2022 as refitted by
    # Besiroglu et al. 2024. Tokens per parameter of a compute-optimal run: 20, within a factor of 4.
    params_exponent_median: float = 0.35
    params_exponent_log_sd: float = 0.3
    optimal_ratio_median: float = 20.0
    optimal_ratio_log_sd: float = 0.7
    # Warm-up of checkpoints of one training: tokens at which it ends, in decades from those of the youngest run, which
    # is usually past it; and the lag, of which twice is lost at a tenth of these tokens: half-normal, median 1.35, down
    # to none, by which a bend of the law and a warm-up pass into each other.
    log10_warm_up_beyond_fewest: float = -0.5
    log10_warm_up_sd: float = 0.7
    warm_up_lag_sd: float = 2.0
    # Progress of recipes at equal compute, decades a year: median 0.4, 95% from 0.12 to 1.3.
    progress_median: float = 0.4
    progress_log_sd: float = 0.6
    # Tasks differ in it: from none on WinoGrande to 2.4 decades a year on competition mathematics. Standard deviation
    # of its log over tasks: 95% from 0.36 to 1.75.
    progress_spread_median: float = 0.8
    progress_spread_log_sd: float = 0.4
    # Random walk of the log of the rate, per square root of a year: 95% from 0.11 to 0.8. At 0.3 a rate is 1.35 times
    # as fast or slow a year later.
    progress_walk_median: float = 0.3
    progress_walk_log_sd: float = 0.5
    # Bend of the law: random walk of the log slope, per square root of a decade. Slopes of published curves change by
    # tens of percent per decade; the scale is learned, 95% from 0.08 to 0.53.
    bend_sd_median: float = 0.2
    bend_sd_log_sd: float = 0.5
    # Where parameters and tokens count each for itself, what their split bends is no bend of the path: half of that.
    bend_sd_median_of_split: float = 0.1
    # By date, it is the rate of progress that wanders (see progress_walk_median).
    bend_sd_median_of_dates: float = 0.3
    # Concentration of the beta-binomial: spread beyond binomial of prompts and formats, median 100 items' worth.
    concentration_median: float = 100.0
    concentration_log_sd: float = 1.2
    # Share of evaluations that are outliers (another prompt, half of the answers not parsed): their scores scatter as
    # if the concentration were 12 times less. A table of some hundred rows has some. A wider scatter (25 times, of 3%)
    # makes posteriors fall apart into modes: one for each choice of rows to disbelieve.
    outlier_share: float = 0.05
    outlier_dispersion: float = 12.0
    # Share of evaluations that score anything, such as a model trained on the test: what nothing else explains.
    gross_error_share: float = 1e-5
    # Loss at the reference run, nats, where a law is seen by losses alone: median 2, 95% from 0.5 to 8; its exponent
    # per decade: published ones of pre-training loss are 0.05 to 0.18 (Kaplan 2020, Hoffmann 2022).
    loss_median: float = 2.0
    loss_log_sd: float = 0.7
    loss_exponent_median: float = 0.15
    loss_exponent_log_sd: float = 0.5
    # Where parameters and tokens vary, its exponent is ab / (a + b): by definition where it is all that a table holds;
    # of a loss beside others or rates, on other texts, within a factor of 2: published exponents of losses on answers
    # differ that much (0.12 to 0.4). At 10% forecasts of two tables were worse (OLMo ladder, Cerebras-GPT).
    loss_exponent_log_sd_of_own_split: float = 0.01
    loss_exponent_log_sd_of_split: float = 0.4
    # Irreducible part of such a loss: power 1/2 puts its median at 40% of a loss of 2.5 nats; published: 0.6 to 0.75.
    loss_shortfall_power: float = 0.5
    # Scatter of the log of a measured loss: Student-t of 3 degrees of freedom, scale 0.3 to 15%. Where rates of the
    # same answers are seen too, what they share is in the residual of the answers, and this is the noise of a mean loss
    # over some thousand items, 1 to 4%: a wide prior of both would leave it open which is which.
    loss_scale_median: float = 0.02
    loss_scale_log_sd: float = 1.0
    loss_scale_log_sd_of_answers: float = 0.3
    loss_degrees_of_freedom: float = 3.0
    # Horizon of the reference run, minutes: median 10, 95% from 2 seconds to 60 hours. Its exponent, per decade of
    # compute and per year of dates: 95% from 0.15 to 3.4, median 0.7. On dates that is a doubling time of 5.2 months,
    # 95% from 1.1 to 25 months; of compute, 0.43 decades.
    horizon_median: float = 10.0
    horizon_log_sd: float = 3.0
    horizon_exponent_median: float = 0.7
    horizon_exponent_log_sd: float = 0.8
    # Scatter of the log of a horizon beyond its own error and the residual of the run: median 20%, 95% 3% to fourfold.
    horizon_scale_median: float = 0.2
    horizon_scale_log_sd: float = 1.0
    # Answers are right as if their loss were s loss^gamma: greedy success follows a smaller loss than teacher forcing
    # measures (0.36 to 0.42 times, gamma 1.3 to 1.9 on character models); an unknown length is in s as well.
    loss_link_factor_median: float = 0.5
    loss_link_factor_log_sd: float = 0.7
    loss_link_factor_log_sd_of_unknown_length: float = 1.5
    loss_link_power_median: float = 1.2
    loss_link_power_log_sd: float = 0.25
    # Loss of a model that only guesses by frequency, over the largest measured loss of the answers, which no run
    # exceeds: 6 to 90% more, median 22%. The smallest character models come within 20% of it. It is about 4 nats
    # for characters, 7 for words: 4 stands for the largest where all losses are smaller.
    least_guess_loss: float = 4.0
    guess_excess_median: float = 0.2
    guess_excess_log_sd: float = 0.6
    # Residual that all metrics of the same answers share, natural log of the loss: 95% from 0.03 to 0.4.
    answer_sd_median: float = 0.1
    answer_sd_log_sd: float = 0.7
    # Drift of log nu per decade: small models find items more alike; fits of character models give -0.4 to -1.
    frailty_drift_mean: float = -0.2
    frailty_drift_sd: float = 0.4
    # Chance that a single token is right by guessing, as a logit: median 6%, 95% from 0.8 to 30%; characters: 17%.
    token_floor_logit_mean: float = -2.8
    token_floor_logit_sd: float = 1.0
    # Runs differ in it, as logits: sd 0.28 over the character models; those that have not learned to guess lie below.
    token_floor_spread_median: float = 0.3
    token_floor_spread_log_sd: float = 0.4
    # Judgements of L sub-judgements of which an unknown number must be right: any share is as likely as another. Judges
    # pass some answers with one less and fail some with one more: softness 0.2 (nearly always the same number) to 1.3.
    required_share_softness_median: float = 0.5
    required_share_softness_log_sd: float = 0.5

    def of_scale(self, *, dated: bool) -> "Priors":
        """The numbers of a table: where dates are its scale, those of dates take the place of those of compute."""
        if not dated:
            return self
        return replace(
            self,
            run_sd_median=self.run_sd_median_of_dates,
            exponent_spread_median=self.exponent_spread_median_of_dates,
            bend_sd_median=self.bend_sd_median_of_dates,
        )


@dataclass(frozen=True, kw_only=True)
class FrontierPriors:
    """Prior numbers of the growth of the largest training run. Log-normal medians are given in logs."""

    # Growth of the trend, decades a year: median 0.6, a factor of 4, 95% from 0.22 to 1.6. Published rates of training
    # compute since 2010 lie between 0.6 and 0.7 (Sevilla et al. 2022, arXiv:2202.05924, and later counts).
    growth_median: float = 0.6
    growth_log_sd: float = 0.5
    # Random walk of the log of that growth, per square root of a year: 95% from 0.04 to 0.27. At 0.1 a rate is 1.4
    # times as large or small after ten years (one standard deviation). Records say little about it.
    walk_sd_median: float = 0.1
    walk_sd_log_sd: float = 0.5
    # Mean size of a record, decades: 95% from 0.19 to 1.3.
    jump_median: float = 0.5
    jump_log_sd: float = 0.5
    # Level of the trend in the middle of the records, decades around their line: hardly informative.
    level_sd: float = 2.0


@dataclass(frozen=True, kw_only=True)
class TimePriors:
    """Prior numbers of what lies between a compute and the date of a release. All are log-normal."""

    # Progress of recipes where a fit does not estimate it, decades a year: median 3x a year less compute for the same
    # score, 90% from 1.7x to 10x. Published: 2.8x, 1.8x to 5.3x (Ho et al. 2024, arXiv:2403.05812, language models),
    # 2.5x (Erdil, Besiroglu 2022, arXiv:2212.05153, vision); others 1.7 to 11. It is of compute alone, and narrower
    # than `Priors.progress_median`, which data correct and which is on the path of a fit.
    progress_median: float = 0.477
    progress_log_sd: float = 0.46
    # Years in which growth of compute halves, once it slows down: 90% from 2.2 to 11. What is left to come at 0.6
    # decades a year is then 4.3 decades, 1.9 to 9.8.
    halving_years_median: float = 5.0
    halving_years_log_sd: float = 0.5
    # Years from the end of training to release: 90% from 2.6 to 14 months. GPT-4 was trained by August 2022 and
    # released in March 2023 (arXiv:2303.08774).
    lag_years_median: float = 0.5
    lag_years_log_sd: float = 0.5


@dataclass(frozen=True, kw_only=True)
class BreakPriors:
    """Prior numbers of straight, bent and broken laws of the log10 loss, normal so that they can be integrated over."""

    # Level at the middle of the axis, decades of loss: around one nat.
    level_sd: float = 1.5
    # Decades of loss by which it falls a decade of compute: as the log-normal of `Priors.exponent_median`, 0.35 / 0.8.
    fall_mean: float = 0.4
    fall_sd: float = 0.4
    # How many times faster the loss falls behind a break. A truth of 1.7 lies half-way between none and the least.
    steepenings: tuple[float, ...] = (3.0, 8.0, 20.0)
    # A gradual bend of a smooth law: at last three times as steep, as losses of small character models become over four
    # decades of compute. The slope turns as a logistic of this width, decades, 10 to 90% of the way in 4.4: that of a
    # loss that falls 0.2 decades a decade where guessing keeps it below a largest one (`log_measured_loss`).
    bend: float = 3.0
    bend_width: float = 1.0
    # Of the runs around the law, decades of loss: learned.
    scatters: tuple[float, ...] = (0.03, 0.06, 0.12, 0.24, 0.48)
